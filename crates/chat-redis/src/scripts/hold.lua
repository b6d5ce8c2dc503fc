-- What was granted is still under way: it holds for longer. One that was settled meanwhile stays so. One that was lost is
-- made anew, with the time when its append began: from there on its record would be looked for.
-- KEYS sent   ARGV process hold(ms) ttl(ms) since(ms)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('GET', KEYS[1])
local process, first = ARGV[1], ARGV[4]
if known then process, first = string.match(known, '^pending (%S+) (%d+) %d+$') end
if not process then return 0 end
local mark = string.format('pending %s %s %.0f', process, first, now + tonumber(ARGV[2]))
redis.call('SET', KEYS[1], mark, 'PX', ARGV[3])
return 1
