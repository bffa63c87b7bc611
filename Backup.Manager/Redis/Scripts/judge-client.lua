-- Notes how the cluster sees a client and adds the events that say it, both or neither: whoever judged by what is no longer so
-- comes too late. Uses library-events.
--
-- KEYS[1] events: list, newest first   KEYS[2] their counter   KEYS[3] standings: hash   KEYS[4] due: zset   KEYS[5] overdue: set   KEYS[6] unusual: set
-- ARGV[1] most events kept   ARGV[2] client   ARGV[3] the standing known before, "" for none   ARGV[4] the standing now
-- ARGV[5] when the next backup is overdue, ms, or "-"   ARGV[6] "1" when it is   ARGV[7] "1" when the last one is unusual
-- ARGV[8..] events without their sequence: "timeMs kind severity subject traceId|- message"
--
-- Returns {"ok"} | {"other"}

if (redis.call('HGET', KEYS[3], ARGV[2]) or '') ~= ARGV[3] then
  return { 'other' }
end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[4])
if ARGV[5] == '-' or ARGV[6] == '1' then
  redis.call('ZREM', KEYS[4], ARGV[2])
else
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
end
redis.call(ARGV[6] == '1' and 'SADD' or 'SREM', KEYS[5], ARGV[2])
redis.call(ARGV[7] == '1' and 'SADD' or 'SREM', KEYS[6], ARGV[2])
add_events(KEYS[1], KEYS[2], ARGV[1], 8)
return { 'ok' }
