-- Marks a token as revoked. It stays, so that its client stays known and nobody enrols in its name. Repeating it changes nothing.
--
-- KEYS[1] tokens of the client: hash token hash -> "scopes createdMs expiresMs|- revokedMs|-"
-- ARGV[1] now, ms   ARGV[2] the first digits of the hash
--
-- Returns {"ok"} | {"none"}

for _, hash in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(hash, 1, #ARGV[2]) == ARGV[2] then
    local line = redis.call('HGET', KEYS[1], hash)
    if string.sub(line, -2) == ' -' then
      redis.call('HSET', KEYS[1], hash, string.sub(line, 1, -2) .. ARGV[1])
    end
    return { 'ok' }
  end
end
return { 'none' }
