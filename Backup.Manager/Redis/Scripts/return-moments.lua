-- Gives a client the named moments back that nodes keep of it, where they are newer than those known.
--
-- KEYS[1] the duty it is done under: hash holder, until, token   KEYS[2] snapshots of the client: hash name -> "timeMs automatic pinnedUntilMs|-"
-- KEYS[3] seq of the client: its field moments changes with every snapshot
-- ARGV[1] the fencing token   ARGV[2] moments   ARGV[3..] name, entry
--
-- Returns {"ok"} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
if tonumber(ARGV[2]) <= tonumber(redis.call('HGET', KEYS[3], 'moments') or '0') then
  return { 'ok' }
end
redis.call('DEL', KEYS[2])
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[3], 'moments', ARGV[2])
return { 'ok' }
