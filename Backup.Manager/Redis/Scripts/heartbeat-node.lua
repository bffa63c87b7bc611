-- Renews a node's lease and notes its space. A node whose lease has lapsed must register again: others may have been
-- chosen in its stead, and the new epoch makes it refuse what was placed before. Uses library-nodes, library-rebuild.
--
-- KEYS[1] nodes   KEYS[2] leases   KEYS[3] loads   KEYS[4] candidates   KEYS[5] draining   KEYS[6] epoch
-- KEYS[7] generation: counts commits   KEYS[8] rebuild: hash   KEYS[9] inventoried   KEYS[10] damaged: hash
-- ARGV[1] now, ms   ARGV[2] end of the lease, ms   ARGV[3] id   ARGV[4] incarnation   ARGV[5] epoch
-- ARGV[6] free bytes   ARGV[7] total bytes   ARGV[8] stored bytes   ARGV[9] the epoch whose nodes the manager knows
-- ARGV[10] the highest generation the node has heard of   ARGV[11] records it holds damaged
--
-- Returns {"ok", the cluster's epoch, {id, line...} or {} where the manager knows them, generation} | {"unknown", the same}

local id = ARGV[3]
local state = redis.call('HMGET', KEYS[8], 'state', 'epoch')
local why = state[1] ~= 'lost' and knows_more(KEYS[6], KEYS[7], tonumber(ARGV[5]), tonumber(ARGV[10]))
if why then
  declare_lost(KEYS[8], KEYS[9], KEYS[6], KEYS[7], ARGV[1], tonumber(ARGV[5]), tonumber(ARGV[10]), why)
  state = redis.call('HMGET', KEYS[8], 'state', 'epoch')
end
local generation = tonumber(redis.call('GET', KEYS[7]) or '0')
local epoch = redis.call('GET', KEYS[6]) or '0'
local nodes = epoch ~= ARGV[9] and redis.call('HGETALL', KEYS[1]) or {}
local line = redis.call('HGET', KEYS[1], id)
local lease = redis.call('ZSCORE', KEYS[2], id)
if not line or not lease or tonumber(lease) <= tonumber(ARGV[1]) then
  return { 'unknown', tonumber(epoch), nodes, generation }
end
local own_epoch, incarnation, since, lost, zone, address = string.match(line, '^(%d+) (%S+) (%d+) (%d+) (%S+) %d+ %d+ %d+ %d+ (%S+)$')
if incarnation ~= ARGV[4] or own_epoch ~= ARGV[5] or (state[1] == 'lost' and tonumber(own_epoch) <= tonumber(state[2])) then
  return { 'unknown', tonumber(epoch), nodes, generation }
end
redis.call('HSET', KEYS[1], id,
  table.concat({ own_epoch, incarnation, since, lost, zone, ARGV[6], ARGV[7], ARGV[8], ARGV[1], address }, ' '))
redis.call('ZADD', KEYS[2], ARGV[2], id)
if ARGV[11] ~= '0' then
  redis.call('HSET', KEYS[10], id, ARGV[11])
else
  redis.call('HDEL', KEYS[10], id)
end
if ARGV[6] ~= '0' and redis.call('SISMEMBER', KEYS[5], id) == 0 then
  redis.call('ZADD', KEYS[4], candidate_score(tonumber(redis.call('ZSCORE', KEYS[3], id) or '0'), tonumber(ARGV[6])), id)
else
  redis.call('ZREM', KEYS[4], id)
end
return { 'ok', tonumber(epoch), nodes, generation }
