-- Reads names in the order of their bytes from some neighbouring leaves.
--
-- KEYS[1] seq of the client   KEYS[2] leaves: list   KEYS[3..] leaves in the order of their names
-- ARGV[1] leaves known   ARGV[2] the last of them   ARGV[3] from, as ZRANGEBYLEX takes it   ARGV[4] to, likewise   ARGV[5] most names
--
-- Returns {"ok", generation, names} | {"moved"}

if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) or (redis.call('LINDEX', KEYS[2], -1) or '') ~= ARGV[2] then
  return { 'moved' }
end
local names, most = {}, tonumber(ARGV[5])
for leaf = 3, #KEYS do
  if #names < most then
    for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[leaf], ARGV[3], ARGV[4], 'LIMIT', 0, most - #names)) do
      names[#names + 1] = name
    end
  end
end
return { 'ok', tonumber(redis.call('HGET', KEYS[1], 'generation') or '0'), names }
