-- Where the events above a seq lie: how many there are, the lowest rev among them, and what is known to be lost.
-- KEYS head seqs   ARGV seq
local at = redis.call('HMGET', KEYS[1], 'lost', 'persisted')
local revs = redis.call('ZRANGE', KEYS[2], '(' .. ARGV[1], '+inf', 'BYSCORE')
local lowest
for _, rev in ipairs(revs) do
  rev = tonumber(rev)
  if not lowest or rev < lowest then lowest = rev end
end
return {#revs, string.format('%.0f', lowest or 0), at[1] or '0', at[2] or '0'}
