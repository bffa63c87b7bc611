-- A node's start: a new epoch and a lease. A second one under the same name is refused while the first one lives.
-- A node that knows of more than is here, or holds files where nothing is known, tells that the metadata is lost. Uses library-nodes, library-rebuild.
--
-- KEYS[1] nodes   KEYS[2] leases   KEYS[3] loads   KEYS[4] candidates   KEYS[5] draining: set   KEYS[6] epoch
-- KEYS[7] stale: hash id -> epoch of its return with an older or a damaged data directory   KEYS[8] reconcile: hash id -> cursor
-- KEYS[9] generation: counts commits   KEYS[10] rebuild: hash   KEYS[11] inventoried   KEYS[12] clients
-- ARGV[1] now, ms   ARGV[2] end of the lease, ms   ARGV[3] id   ARGV[4] address   ARGV[5] incarnation   ARGV[6] zone | "-"
-- ARGV[7] free bytes   ARGV[8] total bytes   ARGV[9] stored bytes   ARGV[10] the last epoch its data directory has seen, "-" when it does not say
-- ARGV[11] the highest generation it has heard of   ARGV[12] "1" when it holds versions
-- ARGV[13] "1" when it may have lost versions it knows nothing of
--
-- Returns {"ok", epoch, {id, line...}, files lost with an earlier incarnation, generation} | {"taken", address}

local id = ARGV[3]
local old = redis.call('HGET', KEYS[1], id)
local load = tonumber(redis.call('ZSCORE', KEYS[3], id) or '0')
local incarnation_epoch, lost, is_stale
if old then
  local last, incarnation, since, lost_before, address = string.match(old, '^(%d+) (%S+) (%d+) (%d+) %S+ %d+ %d+ %d+ %d+ (%S+)$')
  local lease = redis.call('ZSCORE', KEYS[2], id)
  if lease and tonumber(lease) > tonumber(ARGV[1]) and (address ~= ARGV[4] or incarnation ~= ARGV[5]) then
    return { 'taken', address }
  end
  if incarnation == ARGV[5] then
    incarnation_epoch, lost = since, lost_before
    is_stale = ARGV[13] == '1' or ARGV[10] ~= '-' and tonumber(ARGV[10]) < tonumber(last)
  end
end
local state, last_epoch = redis.call('HGET', KEYS[10], 'state'), tonumber(ARGV[10]) or 0
local why = state ~= 'lost' and knows_more(KEYS[6], KEYS[9], last_epoch, tonumber(ARGV[11]))
if not state and not why and ARGV[12] == '1' and redis.call('SCARD', KEYS[12]) == 0 then
  why = 'a node holds files and none is known here'
end
if why then
  declare_lost(KEYS[10], KEYS[11], KEYS[6], KEYS[9], ARGV[1], last_epoch, tonumber(ARGV[11]), id .. ' came: ' .. why)
end
local epoch = int(redis.call('INCR', KEYS[6]))
if not lost then
  -- One that is unknown here and yet was registered once, or holds files, has what it held before the metadata were lost: repair may count on it.
  local is_returning = not old and (last_epoch > 0 or ARGV[12] == '1')
  incarnation_epoch, lost = is_returning and '0' or epoch, old and int(load) or '0'
end
redis.call('HSET', KEYS[1], id,
  table.concat({ epoch, ARGV[5], incarnation_epoch, lost, ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[1], ARGV[4] }, ' '))
redis.call('ZADD', KEYS[2], ARGV[2], id)
redis.call('ZADD', KEYS[3], int(load), id)
if ARGV[7] ~= '0' and redis.call('SISMEMBER', KEYS[5], id) == 0 then
  redis.call('ZADD', KEYS[4], candidate_score(load, tonumber(ARGV[7])), id)
else
  redis.call('ZREM', KEYS[4], id)
end
if is_stale then
  redis.call('HSET', KEYS[7], id, epoch)
end
-- What it holds and what is placed on it may have come apart while it was away.
redis.call('HSET', KEYS[8], id, '-')
return { 'ok', tonumber(epoch), redis.call('HGETALL', KEYS[1]), tonumber(lost), tonumber(redis.call('GET', KEYS[9]) or '0') }
