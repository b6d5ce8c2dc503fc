-- The events after a rev, all of them or none.
-- KEYS head tail seqs   ARGV epoch(if the tail is new) ttl(s) epoch-of-the-reader rev limit
-- Returns epoch, rev, last_seq, persisted, and the entries unless it is a gap.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'rev', 'last_seq', 'persisted')
if not at[1] then
  begin(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
  return {ARGV[1], '0', '0', '0'}
end
local missed = tonumber(at[2]) - tonumber(ARGV[4])
if at[1] ~= ARGV[3] or missed < 0 or missed > tonumber(ARGV[5]) then return at end
at[5] = {}
if missed > 0 then
  at[5] = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', tonumber(ARGV[4]) + 1), '+', 'COUNT', missed)
end
return at
