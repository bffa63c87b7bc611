-- Takes back the counts of a reservation that was never committed. Uses library-nodes.
--
-- KEYS[1] the reservation   KEYS[2] reservations   KEYS[3] reserved   KEYS[4] loads   KEYS[5] candidates
-- KEYS[6] the duty it is done under: hash holder, until, token
-- ARGV[1] now, ms   ARGV[2] the reservation's member   ARGV[3] the fencing token, or "-" where place asks for it
--
-- Returns {"ok", places given back} | {"fenced"}

if ARGV[3] ~= '-' and redis.call('HGET', KEYS[6], 'token') ~= ARGV[3] then
  return { 'fenced' }
end
local expiry = redis.call('ZSCORE', KEYS[2], ARGV[2])
if not expiry or tonumber(expiry) > tonumber(ARGV[1]) then
  return { 'ok', 0 }
end
local changes, count = {}, 0
for _, entry in ipairs(redis.call('HVALS', KEYS[1])) do
  for id in string.gmatch(string.match(entry, '(%S+)$'), '[^,]+') do
    changes[id] = (changes[id] or 0) - 1
  end
  count = count + 1
end
change_loads(KEYS[4], KEYS[5], changes)
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('DECRBY', KEYS[3], int(count))
return { 'ok', count }
