-- Starts or ends the draining of a node: it keeps its files and takes no new ones. Uses library-nodes.
--
-- KEYS[1] nodes   KEYS[2] leases   KEYS[3] loads   KEYS[4] candidates   KEYS[5] draining
-- ARGV[1] now, ms   ARGV[2] id   ARGV[3] "yes" | "no"
--
-- Returns {"ok"} | {"unknown"}

local id = ARGV[2]
local line = redis.call('HGET', KEYS[1], id)
if not line then
  return { 'unknown' }
end
if ARGV[3] == 'yes' then
  redis.call('SADD', KEYS[5], id)
  redis.call('ZREM', KEYS[4], id)
  return { 'ok' }
end
redis.call('SREM', KEYS[5], id)
local lease = redis.call('ZSCORE', KEYS[2], id)
local free = tonumber(string.match(line, '^%d+ %S+ %d+ %d+ %S+ (%d+)'))
if lease and tonumber(lease) > tonumber(ARGV[1]) and free > 0 then
  redis.call('ZADD', KEYS[4], candidate_score(tonumber(redis.call('ZSCORE', KEYS[3], id) or '0'), free), id)
end
return { 'ok' }
