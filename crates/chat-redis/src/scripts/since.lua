-- The events after a rev, all of them or none.
-- KEYS head tail seqs   ARGV epoch(of a new life) ttl(s) epoch-of-the-reader rev limit life
-- Returns epoch, rev, last_seq, persisted, and the entries unless it is a gap.
local at = open(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[6])
at = {at[1], at[2], at[3], at[4]}
local missed = tonumber(at[2]) - tonumber(ARGV[4])
if at[1] ~= ARGV[3] or missed < 0 or missed > tonumber(ARGV[5]) then return at end
at[5] = {}
if missed > 0 then
  at[5] = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', tonumber(ARGV[4]) + 1), '+', 'COUNT', missed)
end
return at
