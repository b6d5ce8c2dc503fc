-- A claim has its position. The lowest seq stays: it is the one that the store keeps.
-- KEYS sent   ARGV seq at(ms) ttl(ms)
local known = redis.call('GET', KEYS[1])
local seq = known and string.match(known, '^(%d+) ')
if seq and tonumber(seq) < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
