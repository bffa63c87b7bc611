-- Takes a name away, unless it is pinned by the cluster's clock.
--
-- KEYS[1] snapshots of the client: hash name -> "timeMs automatic pinnedUntilMs|-"
-- KEYS[2] seq of the client: its field moments changes with every snapshot   KEYS[3] rebuild: hash
-- ARGV[1] name   ARGV[2] now, ms
--
-- Returns {"ok"} | {"none"} | {"pinned", until, ms} | {"lost"} while the metadata is rebuilt

if redis.call('HGET', KEYS[3], 'state') == 'lost' then
  return { 'lost' }
end
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if not entry then
  return { 'none' }
end
local pinned = string.match(entry, '(%S+)$')
if pinned ~= '-' and tonumber(pinned) > tonumber(ARGV[2]) then
  return { 'pinned', pinned }
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HINCRBY', KEYS[2], 'moments', 1)
return { 'ok' }
