-- Generic cell rate algorithm (ITU-T I.371, virtual scheduling); microseconds.
-- KEYS rate   ARGV now interval tolerance
-- Returns 0 when it conforms, else how long to wait.
local now, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if arrival > now + tolerance then return arrival - now - tolerance end
arrival = arrival + interval
-- 5 s more than needed, since the nodes' clocks differ.
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', string.format('%.0f', (arrival - now) / 1000 + 5000))
return 0
