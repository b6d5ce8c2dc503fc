-- Appends one event, once per seq.
-- KEYS head tail seqs nodes   ARGV seq event epoch(of a new life) ttl(s) kept cap ttl-of-nodes(s) life
-- Returns epoch, rev (0 when it was trimmed since), 1 when it was appended now, the nodes.
local at = open(KEYS[1], KEYS[2], KEYS[3], ARGV[3], ARGV[4], ARGV[8])
local epoch, rev, last, persisted = at[1], tonumber(at[2]), tonumber(at[3]), tonumber(at[4])
local seq = tonumber(ARGV[1])
-- Above the last seq nothing can be known: the usual case saves the lookup.
if seq <= last then
  local known = redis.call('ZRANGE', KEYS[3], ARGV[1], ARGV[1], 'BYSCORE')[1]
  if known then return {epoch, known, 0, redis.call('SMEMBERS', KEYS[4])} end
  -- Late: it was here (the writer brings what lacks before it says `persisted`), and it was trimmed.
  if seq <= tonumber(at[5] or 0) and seq <= persisted then return {epoch, '0', 0, {}} end
end
rev = rev + 1
local text = string.format('%.0f', rev)
add(KEYS[2], rev - 1, text .. '-' .. ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[1], text)
if seq > last then
  redis.call('HSET', KEYS[1], 'rev', text, 'last_seq', ARGV[1])
else
  redis.call('HSET', KEYS[1], 'rev', text)
end
if rev <= 16 or rev % 8 == 0 then
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
  redis.call('EXPIRE', KEYS[4], ARGV[7])
end
if rev % 32 == 0 then trim(KEYS[1], KEYS[2], KEYS[3], persisted, tonumber(ARGV[5]), tonumber(ARGV[6]), 1) end
return {epoch, text, 1, redis.call('SMEMBERS', KEYS[4])}
