-- Keeps a node's lease for a while, by the server's clock. Another process of the same name loses its own at once.
-- KEYS leases holders version   ARGV node incarnation ttl(ms) token renew|ensure
-- Returns 1 when this incarnation had renewed before and its lease was alive.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local member = ARGV[1] .. '/' .. ARGV[2]
local expiry = tonumber(redis.call('ZSCORE', KEYS[1], member) or 0)
local holder = redis.call('HGET', KEYS[2], ARGV[1]) or ''
-- '+' is the mark of a renewal: entering a connection may have made the lease, but not the mark.
local kept = expiry > now and holder == ARGV[2] .. '+'
if string.gsub(holder, '%+$', '') ~= ARGV[2] then
  if holder ~= '' then redis.call('ZREM', KEYS[1], ARGV[1] .. '/' .. string.gsub(holder, '%+$', '')) end
  holder = ARGV[2]
  redis.call('HSET', KEYS[2], ARGV[1], holder)
end
if ARGV[5] == 'renew' and holder ~= ARGV[2] .. '+' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. '+') end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), member)
if expiry <= now then redis.call('SET', KEYS[3], ARGV[4]) end
return kept and 1 or 0
