-- Notes that something is so now and adds the events that say it, both or neither: whoever else noticed the same comes too late.
--
-- KEYS[1] events: list, newest first   KEYS[2] their counter   KEYS[3] noticed: hash subject -> state
-- ARGV[1] most events kept   ARGV[2] subject, or "" to add the events in any case   ARGV[3] the state known before, "" for none
-- ARGV[4] the state now   ARGV[5..] events without their sequence: "timeMs kind severity subject traceId|- message"
--
-- Returns {"ok"} | {"other"}

if ARGV[2] ~= '' then
  if (redis.call('HGET', KEYS[3], ARGV[2]) or '') ~= ARGV[3] then
    return { 'other' }
  end
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[4])
end
for i = 5, #ARGV do
  redis.call('LPUSH', KEYS[1], string.format('%.0f', redis.call('INCR', KEYS[2])) .. ' ' .. ARGV[i])
end
if #ARGV > 4 then
  redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[1]) - 1)
end
return { 'ok' }
