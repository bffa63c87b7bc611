-- Notes that something is so now and adds the events that say it, both or neither: whoever else noticed the same comes too late.
-- Uses library-events.
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
add_events(KEYS[1], KEYS[2], ARGV[1], 5)
return { 'ok' }
