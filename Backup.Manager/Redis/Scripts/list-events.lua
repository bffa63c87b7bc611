-- The newest events.
--
-- KEYS[1] events: list, newest first
-- ARGV[1] how many at most
--
-- Returns {"sequence timeMs kind severity subject traceId|- message"...}, newest first

return redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
