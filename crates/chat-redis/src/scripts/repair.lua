-- Appends, in the order given, what the tail lacks and has not trimmed; then raises `persisted` and trims.
-- KEYS head tail seqs nodes   ARGV epoch(of a new life) ttl(s) kept cap persisted [seq event]… life
-- Returns epoch, the nodes, and rev and seq of each appended.
local at = open(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[#ARGV])
local epoch, rev, last, persisted, floor = at[1], tonumber(at[2]), tonumber(at[3]), tonumber(at[4]), tonumber(at[5])
local appended = {}
for i = 6, #ARGV - 1, 2 do
  local seq = tonumber(ARGV[i])
  local lacking = seq > floor
  if lacking and seq <= last then lacking = #redis.call('ZRANGE', KEYS[3], ARGV[i], ARGV[i], 'BYSCORE') == 0 end
  if lacking then
    rev = rev + 1
    last = math.max(last, seq)
    local text = string.format('%.0f', rev)
    add(KEYS[2], rev - 1, text .. '-' .. ARGV[i], ARGV[i + 1])
    redis.call('ZADD', KEYS[3], ARGV[i], text)
    appended[#appended + 1] = text
    appended[#appended + 1] = ARGV[i]
  end
end
if #appended > 0 then
  redis.call('HSET', KEYS[1], 'rev', string.format('%.0f', rev), 'last_seq', string.format('%.0f', last))
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[2]) end
end
if tonumber(ARGV[5]) > persisted then
  persisted = tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'persisted', ARGV[5])
end
trim(KEYS[1], KEYS[2], KEYS[3], persisted, tonumber(ARGV[3]), tonumber(ARGV[4]), 8)
return {epoch, redis.call('SMEMBERS', KEYS[4]), appended}
