-- Events that the store may not have and that hold a text (a client_msg_id). The caller reads them properly.
-- KEYS head tail seqs   ARGV text
local persisted = redis.call('HGET', KEYS[1], 'persisted')
if not persisted then return {} end
local lowest
for _, rev in ipairs(redis.call('ZRANGE', KEYS[3], '(' .. persisted, '+inf', 'BYSCORE', 'LIMIT', 0, 1000)) do
  rev = tonumber(rev)
  if not lowest or rev < lowest then lowest = rev end
end
local found = {}
if not lowest then return found end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], string.format('%.0f-0', lowest), '+', 'COUNT', 1000)) do
  if string.find(entry[2][2] or '', ARGV[1], 1, true) then found[#found + 1] = entry end
end
return found
