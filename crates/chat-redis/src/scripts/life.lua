-- Begins a new life of a tail whose head is gone: what an older life left behind must not mix with it.
-- The first write is one that Redis refuses when it is out of memory: later ones of a script pass.
local function begin(head, tail, seqs, epoch, ttl)
  redis.call('HSET', head, 'epoch', epoch, 'rev', '0', 'last_seq', '0', 'persisted', '0', 'floor', '0', 'lost', '0')
  redis.call('EXPIRE', head, ttl)
  redis.call('DEL', tail, seqs)
end
