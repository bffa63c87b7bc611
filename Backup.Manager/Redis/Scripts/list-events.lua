-- The newest events, or those that follow one.
--
-- KEYS[1] events: list, newest first, of sequences without a gap
-- ARGV[1] how many at most   ARGV[2] "-" for the newest; else a sequence, and the first ones after it are wanted
--
-- Returns {"sequence timeMs kind severity subject traceId|- message"...}, newest first

local limit, first = tonumber(ARGV[1]), 0
local newest = ARGV[2] ~= '-' and redis.call('LINDEX', KEYS[1], 0)
if newest then
  local later = tonumber(string.match(newest, '^%d+')) - tonumber(ARGV[2])
  first = math.max(0, math.min(later, redis.call('LLEN', KEYS[1])) - limit)
end
return redis.call('LRANGE', KEYS[1], first, first + limit - 1)
