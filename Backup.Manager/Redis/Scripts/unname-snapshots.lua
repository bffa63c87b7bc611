-- Retention takes names of moments away, to be brought back by restore-drop until they go for good. It does so only while the
-- client's moments are those that the plan was made of.
--
-- KEYS[1] snapshots of the client   KEYS[2] seq of the client   KEYS[3] drops   KEYS[4] undoable   KEYS[5] what is dropped: hash
-- KEYS[6] rebuild: hash
-- ARGV[1] moments as planned   ARGV[2] when it goes for good, ms   ARGV[3] member of drops   ARGV[4] id   ARGV[5..] names
--
-- Returns {"ok", moments} | {"changed"} | {"lost"} while the metadata is rebuilt

if redis.call('HGET', KEYS[6], 'state') == 'lost' then
  return { 'lost' }
end
if (redis.call('HGET', KEYS[2], 'moments') or '0') ~= ARGV[1] then
  return { 'changed' }
end
for i = 5, #ARGV do
  redis.call('HSET', KEYS[5], '/' .. ARGV[i], redis.call('HGET', KEYS[1], ARGV[i]))
  redis.call('HDEL', KEYS[1], ARGV[i])
end
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[3])
redis.call('SADD', KEYS[4], ARGV[4])
return { 'ok', redis.call('HINCRBY', KEYS[2], 'moments', 1) }
