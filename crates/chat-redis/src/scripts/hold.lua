-- What was granted is still under way: it holds for longer. One that was settled meanwhile, or is not there, stays so.
-- KEYS sent   ARGV hold(ms) ttl(ms)
local known = redis.call('GET', KEYS[1])
local process, first = string.match(known or '', '^pending (%S+) (%d+) %d+$')
if not process then return 0 end
local time = redis.call('TIME')
local till = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
local mark = string.format('pending %s %s %.0f', process, first, till)
redis.call('SET', KEYS[1], mark, 'PX', ARGV[2])
return 1
