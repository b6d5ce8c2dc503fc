-- Gives a pending claim back, if it is still the one that was granted to this process.
-- KEYS sent   ARGV process
local process = string.match(redis.call('GET', KEYS[1]) or '', '^pending (%S+) %d+ %d+$')
if process == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
