-- Says how much a client may store, or that there is no limit.
--
-- KEYS[1] seq of the client   KEYS[2] clients: set   KEYS[3] tokens of the client
-- ARGV[1] client   ARGV[2] bytes, or "-" for no limit
--
-- Returns {"ok"} | {"unknown"} where nobody of that name ever enrolled or stored anything

if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 and redis.call('EXISTS', KEYS[3]) == 0 then
  return { 'unknown' }
end
if ARGV[2] == '-' then
  redis.call('HDEL', KEYS[1], 'quota')
else
  redis.call('HSET', KEYS[1], 'quota', ARGV[2])
end
return { 'ok' }
