-- Notes how far a rebuild is: which nodes are left, or that these have been read to their end.
--
-- KEYS[1] the duty it is done under: hash holder, until, token   KEYS[2] rebuild: hash   KEYS[3] inventoried: hash node -> incarnation
-- ARGV[1] the fencing token   ARGV[2] now, ms   ARGV[3] nodes left ",node,"   ARGV[4] "done" | "more"   ARGV[5..] node, incarnation of those read
--
-- Returns {"ok"} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
for i = 5, #ARGV, 2 do
  redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[2], 'left', ARGV[3])
if ARGV[4] == 'done' then
  redis.call('HSET', KEYS[2], 'state', 'done', 'endedMs', ARGV[2])
end
return { 'ok' }
