-- The nodes have forgotten what was dropped under one id; or one of them did not answer, and it is tried again later.
-- Uses library-nodes, library-lines.
--
-- KEYS[1] the duty it is done under: hash holder, until, token   KEYS[2] drops   KEYS[3] what was dropped: hash path -> lines, "/name" -> snapshot
-- KEYS[4] seq of the client
-- ARGV[1] the fencing token   ARGV[2] member of drops   ARGV[3] when to try again, ms, or "-" when it is done
--
-- Returns {"ok"} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
if ARGV[3] == '-' then
  local fields, bytes = redis.call('HGETALL', KEYS[3]), 0
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) ~= '/' then
      bytes = bytes + bytes_of(fields[i + 1])
    end
  end
  redis.call('HINCRBY', KEYS[4], 'bytes', int(0 - bytes))
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('DEL', KEYS[3])
else
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
end
return { 'ok' }
