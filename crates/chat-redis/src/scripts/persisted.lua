-- The store has everything up to a seq: raises `persisted`, which never falls, and trims. A tail that is gone stays so.
-- KEYS head tail seqs   ARGV persisted kept cap
local known = redis.call('HGET', KEYS[1], 'persisted')
if not known then return 0 end
local persisted = tonumber(known)
if tonumber(ARGV[1]) > persisted then
  persisted = tonumber(ARGV[1])
  redis.call('HSET', KEYS[1], 'persisted', ARGV[1])
end
trim(KEYS[1], KEYS[2], KEYS[3], persisted, tonumber(ARGV[2]), tonumber(ARGV[3]), 8)
return 1
