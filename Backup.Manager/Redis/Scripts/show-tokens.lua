-- All tokens of a client, revoked and expired ones too.
--
-- KEYS[1] tokens of the client: hash token hash -> "scopes createdMs expiresMs|- revokedMs|-"
--
-- Returns {hash, line...}

return redis.call('HGETALL', KEYS[1])
