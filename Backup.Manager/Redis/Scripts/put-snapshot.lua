-- Names a moment, or pins a named one longer. A moment never moves and a pin is never shortened.
--
-- KEYS[1] snapshots of the client: hash name -> "timeMs automatic pinnedUntilMs|-"
-- KEYS[2] seq of the client: its field moments changes with every snapshot   KEYS[3] rebuild: hash
-- ARGV[1] name   ARGV[2] the moment, ms   ARGV[3] "1" when the caller chose the moment   ARGV[4] automatic "0" | "1"   ARGV[5] pinned until, ms, or "-"
--
-- Returns {"ok", entry} | {"other", entry} | {"lost"} while the metadata is rebuilt

if redis.call('HGET', KEYS[3], 'state') == 'lost' then
  return { 'lost' }
end
local entry = redis.call('HGET', KEYS[1], ARGV[1])
local time, automatic, pinned = ARGV[2], ARGV[4], ARGV[5]
if entry then
  local old_time, old_automatic, old_pinned = string.match(entry, '^(%d+) (%d) (%S+)$')
  if ARGV[3] == '1' and old_time ~= time then
    return { 'other', entry }
  end
  time, automatic = old_time, old_automatic
  if pinned == '-' or (old_pinned ~= '-' and tonumber(old_pinned) > tonumber(pinned)) then
    pinned = old_pinned
  end
end
local now = time .. ' ' .. automatic .. ' ' .. pinned
redis.call('HSET', KEYS[1], ARGV[1], now)
redis.call('HINCRBY', KEYS[2], 'moments', 1)
return { 'ok', now }
