-- All named moments of a client.
--
-- KEYS[1] snapshots of the client: hash name -> "timeMs automatic pinnedUntilMs|-"
--
-- Returns {name, entry...}

return redis.call('HGETALL', KEYS[1])
