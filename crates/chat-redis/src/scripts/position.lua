-- Where a tail stands; one that is missing begins. Registers a node on the way, when one is named.
-- KEYS head tail seqs nodes   ARGV epoch(if the tail is new) ttl(s) registration ttl-of-nodes(s)
-- Returns epoch, rev, last_seq, persisted.
if ARGV[3] ~= '' then
  redis.call('SADD', KEYS[4], ARGV[3])
  redis.call('EXPIRE', KEYS[4], ARGV[4])
end
local at = redis.call('HMGET', KEYS[1], 'epoch', 'rev', 'last_seq', 'persisted')
if at[1] then return at end
begin(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
return {ARGV[1], '0', '0', '0'}
