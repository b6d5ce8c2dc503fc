-- The leases that are alive by the server's clock, or only the version when the caller knows it already.
-- KEYS leases holders version   ARGV version-known token
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local lapsed = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE')
for _, member in ipairs(lapsed) do
  redis.call('ZREM', KEYS[1], member)
  local node, incarnation = string.match(member, '^(.*)/(.*)$')
  local holder = redis.call('HGET', KEYS[2], node) or ''
  if string.gsub(holder, '%+$', '') == incarnation then redis.call('HDEL', KEYS[2], node) end
end
local version = redis.call('GET', KEYS[3])
if #lapsed > 0 or not version then
  version = ARGV[2]
  redis.call('SET', KEYS[3], version)
end
if version == ARGV[1] then return {version} end
return {version, redis.call('ZRANGE', KEYS[1], 0, -1)}
