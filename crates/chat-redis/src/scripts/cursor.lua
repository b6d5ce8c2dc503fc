-- Moves a cursor forward. What is missing goes on from the floor that the store has; without one it says so.
-- KEYS cursors   ARGV user read delivered ttl(s) [read-of-the-store delivered-of-the-store]
-- Returns 0 when the floor is needed, else 1 when it moved or 2 when not, and where it stands.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  if not ARGV[5] then return {0, '0', '0'} end
  known = ARGV[5] .. ' ' .. ARGV[6]
end
local read, delivered = string.match(known, '^(%d+) (%d+)$')
read, delivered = tonumber(read or 0), tonumber(delivered or 0)
local to_read = math.max(read, tonumber(ARGV[2]))
local to_delivered = math.max(delivered, tonumber(ARGV[3]), to_read)
local moved = to_read ~= read or to_delivered ~= delivered
if moved or ARGV[5] then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f', to_read, to_delivered))
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return {moved and 1 or 2, string.format('%.0f', to_read), string.format('%.0f', to_delivered)}
