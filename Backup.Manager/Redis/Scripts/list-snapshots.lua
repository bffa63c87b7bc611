-- All named moments of a client.
--
-- KEYS[1] snapshots of the client: hash name -> "timeMs automatic pinnedUntilMs|-"
-- KEYS[2] seq of the client: its field moments changes with every snapshot
--
-- Returns {moments, {name, entry...}}

return { tonumber(redis.call('HGET', KEYS[2], 'moments') or '0'), redis.call('HGETALL', KEYS[1]) }
