-- Keeps an invitation until it is used or expires, and clears those away that have expired.
--
-- KEYS[1] invitations: hash invitation hash -> "expiresMs scopes client|- tokenDays|-"
-- ARGV[1] now, ms   ARGV[2] invitation hash   ARGV[3] its line   ARGV[4] most that are kept
--
-- Returns {"ok"} | {"many"}

local all = redis.call('HGETALL', KEYS[1])
local left = 0
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^(%d+) ')) <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[1], all[i])
  else
    left = left + 1
  end
end
if left >= tonumber(ARGV[4]) then
  return { 'many' }
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return { 'ok' }
