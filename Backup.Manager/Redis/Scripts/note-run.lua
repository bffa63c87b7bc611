-- Notes that a run of a client has ended, and adds the event that says so, once however often it is told. Whole backups within
-- a stretch of time count as one beat, of which the share that touched most is kept: a client that watches its root backs up all
-- the time. Uses library-events.
--
-- KEYS[1] runs of the client and kind: list, newest first, of "id run"
-- KEYS[2] beats of the client: list, newest first, of "startMs lastMs files touched"
-- KEYS[3] events: list, newest first   KEYS[4] their counter
-- ARGV[1] id   ARGV[2] the run, JSON   ARGV[3] most runs kept   ARGV[4] "1" when it is a beat, else the next five do not matter
-- ARGV[5] now, ms   ARGV[6] files   ARGV[7] touched   ARGV[8] how long a beat lasts, ms   ARGV[9] most beats kept
-- ARGV[10] most events kept   ARGV[11..] events without their sequence
--
-- Returns {beat...}, the newest first

local start = ARGV[1] .. ' '
for _, known in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if string.sub(known, 1, #start) == start then
    return redis.call('LRANGE', KEYS[2], 0, -1)
  end
end
redis.call('LPUSH', KEYS[1], start .. ARGV[2])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[3]) - 1)
if ARGV[4] == '1' then
  local files, touched = tonumber(ARGV[6]), tonumber(ARGV[7])
  local newest = redis.call('LINDEX', KEYS[2], 0)
  local began, old_files, old_touched
  if newest then
    began, old_files, old_touched = string.match(newest, '^(%d+) %d+ (%d+) (%d+)$')
  end
  if began and tonumber(ARGV[5]) - tonumber(began) < tonumber(ARGV[8]) then
    -- Shares are compared across: neither is divided by a root that was empty.
    if tonumber(old_touched) * math.max(files, 1) > touched * math.max(tonumber(old_files), 1) then
      files, touched = tonumber(old_files), tonumber(old_touched)
    end
    redis.call('LSET', KEYS[2], 0, string.format('%s %s %.0f %.0f', began, ARGV[5], files, touched))
  else
    redis.call('LPUSH', KEYS[2], string.format('%s %s %.0f %.0f', ARGV[5], ARGV[5], files, touched))
    redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[9]) - 1)
  end
end
add_events(KEYS[3], KEYS[4], ARGV[10], 11)
return redis.call('LRANGE', KEYS[2], 0, -1)
