-- Where a tail stands; one that is missing begins. Registers a node on the way, when one is named.
-- KEYS head tail seqs nodes   ARGV epoch(of a new life) ttl(s) registration ttl-of-nodes(s) life
-- Returns epoch, rev, last_seq, persisted.
if ARGV[3] ~= '' then
  redis.call('SADD', KEYS[4], ARGV[3])
  redis.call('EXPIRE', KEYS[4], ARGV[4])
end
return open(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[5])
