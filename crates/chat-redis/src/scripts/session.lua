-- Enters, changes or takes out a connection of a user.
-- KEYS sessions watching   ARGV enter|update|leave entry away(0|1) ttl(s)
-- Returns the entries before, as pairs, and who watches.
local before = redis.call('HGETALL', KEYS[1])
if ARGV[1] == 'leave' then
  redis.call('HDEL', KEYS[1], ARGV[2])
elseif ARGV[1] == 'enter' or redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return {before, redis.call('SMEMBERS', KEYS[2])}
