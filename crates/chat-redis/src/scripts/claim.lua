-- Asks for the right to append under an id. A grant that lapsed leaves its mark: its holder may have appended before it died.
-- KEYS sent   ARGV process hold(ms) ttl(ms)
-- Returns what is known: nothing when nobody asked before, "settled seq at", "pending", or "lapsed first(ms)"; granted in
-- the first and the last case.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('GET', KEYS[1])
local answer, first = '', string.format('%.0f', now)
if known then
  local before, till = string.match(known, '^pending %S+ (%d+) (%d+)$')
  -- A mark without its times is of a version before this one, and lapses by itself.
  if not before and string.find(known, 'pending', 1, true) == 1 then return 'pending' end
  if not before then return 'settled ' .. known end
  if tonumber(till) > now then return 'pending' end
  first = before
  answer = 'lapsed ' .. first
end
local till = string.format('%.0f', now + tonumber(ARGV[2]))
redis.call('SET', KEYS[1], 'pending ' .. ARGV[1] .. ' ' .. first .. ' ' .. till, 'PX', ARGV[3])
return answer
