-- Ends a node's lease, if this incarnation holds it.
-- KEYS leases holders version   ARGV node incarnation token
redis.call('ZREM', KEYS[1], ARGV[1] .. '/' .. ARGV[2])
local holder = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if string.gsub(holder, '%+$', '') == ARGV[2] then redis.call('HDEL', KEYS[2], ARGV[1]) end
redis.call('SET', KEYS[3], ARGV[3])
return 1
