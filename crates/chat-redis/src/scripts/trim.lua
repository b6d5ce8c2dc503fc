-- Trims the oldest events down to `kept`: only a prefix by rev, and only what is persisted, unless there are more than
-- `cap`. Reads at most 64 events a round. `floor` is the highest seq that was trimmed, `lost` the highest that was
-- trimmed although the store did not have it.
local function trim(head, tail, seqs, persisted, kept, cap, rounds)
  local floor, lost = 0, 0
  for _ = 1, rounds do
    local size = redis.call('XLEN', tail)
    if size <= kept then break end
    local oldest = redis.call('XRANGE', tail, '-', '+', 'COUNT', math.min(size - kept, 64))
    local revs = {}
    for i, entry in ipairs(oldest) do
      local rev, seq = string.match(entry[1], '^(%d+)%-(%d+)$')
      seq = tonumber(seq)
      if seq > persisted then
        if size - i < cap then break end
        lost = math.max(lost, seq)
      end
      floor = math.max(floor, seq)
      revs[i] = rev
    end
    if #revs == 0 then break end
    redis.call('XTRIM', tail, 'MINID', string.format('%.0f-0', tonumber(revs[#revs]) + 1))
    redis.call('ZREM', seqs, unpack(revs))
  end
  if floor == 0 then return end
  local known = redis.call('HMGET', head, 'floor', 'lost')
  floor, lost = math.max(floor, tonumber(known[1] or 0)), math.max(lost, tonumber(known[2] or 0))
  redis.call('HSET', head, 'floor', string.format('%.0f', floor), 'lost', string.format('%.0f', lost))
end
