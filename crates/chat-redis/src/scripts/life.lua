-- Reads where a tail stands: epoch, rev, last_seq, persisted, floor.
-- A tail whose head is gone begins anew, and what an older life left behind must not mix with it: the first write is one
-- that Redis refuses when it is out of memory, for the later ones of a script pass.
-- `life` names the server's history (its replication id). When a replica took over or a server came back, the last events
-- may be gone and their revs be given again: so the epoch changes, and whoever read the old one refetches.
local function open(head, tail, seqs, epoch, ttl, life)
  local at = redis.call('HMGET', head, 'epoch', 'rev', 'last_seq', 'persisted', 'floor', 'life')
  if not at[1] then
    redis.call('HSET', head, 'epoch', epoch, 'rev', '0', 'last_seq', '0', 'persisted', '0', 'floor', '0', 'life', life)
    redis.call('EXPIRE', head, ttl)
    redis.call('DEL', tail, seqs)
    return {epoch, '0', '0', '0', '0'}
  end
  if at[6] ~= life then
    redis.call('HSET', head, 'epoch', epoch, 'life', life)
    at[1] = epoch
  end
  return at
end

-- Adds an event after rev `before`. Entries that somebody else put above it are of no use, and the stream would take
-- nothing below them: they go.
local function add(tail, before, id, event)
  local added = redis.pcall('XADD', tail, id, 'e', event)
  if type(added) ~= 'table' or not added.err then return end
  local text = string.format('%.0f', before)
  for _, entry in ipairs(redis.call('XRANGE', tail, string.format('%.0f', before + 1), '+', 'COUNT', 1000)) do
    redis.call('XDEL', tail, entry[1])
  end
  redis.call('XSETID', tail, text .. '-18446744073709551615')
  redis.call('XADD', tail, id, 'e', event)
end
