-- Makes a token of a client known: with an invitation, which is used up by it, or without one where nobody enrolled that
-- client before. Repeating it changes nothing.
--
-- KEYS[1] tokens of the client: hash token hash -> "scopes createdMs expiresMs|- revokedMs|-"
-- KEYS[2] invitations: hash invitation hash -> "expiresMs scopes client|- tokenDays|-"
-- ARGV[1] now, ms   ARGV[2] client   ARGV[3] token hash   ARGV[4] invitation hash, or "-"   ARGV[5] scopes without an invitation   ARGV[6] most tokens
--
-- Returns {"ok", line} | {"known"} an invitation is needed | {"none"} no such invitation | {"other"} it is another client's | {"many"}

local line = redis.call('HGET', KEYS[1], ARGV[3])
if line then
  return { 'ok', line }
end
local known = redis.call('HLEN', KEYS[1])
local scopes, expires = ARGV[5], '-'
if ARGV[4] == '-' then
  if known > 0 then
    return { 'known' }
  end
else
  local invitation = redis.call('HGET', KEYS[2], ARGV[4])
  if not invitation then
    return { 'none' }
  end
  local until_ms, invited, client, days = string.match(invitation, '^(%d+) (%S+) (%S+) (%S+)$')
  if tonumber(until_ms) <= tonumber(ARGV[1]) then
    redis.call('HDEL', KEYS[2], ARGV[4])
    return { 'none' }
  end
  if client ~= '-' and client ~= ARGV[2] then
    return { 'other' }
  end
  if client == '-' and known > 0 then
    return { 'known' }
  end
  if known >= tonumber(ARGV[6]) then
    return { 'many' }
  end
  redis.call('HDEL', KEYS[2], ARGV[4])
  scopes = invited
  if days ~= '-' then
    expires = string.format('%.0f', tonumber(ARGV[1]) + tonumber(days) * 86400000)
  end
end
line = table.concat({ scopes, ARGV[1], expires, '-' }, ' ')
redis.call('HSET', KEYS[1], ARGV[3], line)
return { 'ok', line }
