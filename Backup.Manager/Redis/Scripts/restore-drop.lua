-- Brings back what retention dropped under one id, if it has not begun to go for good. Uses library-nodes, library-lines.
--
-- KEYS[1] seq of the client   KEYS[2] leaves   KEYS[3] loads   KEYS[4] candidates   KEYS[5] drops   KEYS[6] undoable
-- KEYS[7] what was dropped: hash path -> lines, "/name" -> snapshot   KEYS[8] debts   KEYS[9] snapshots of the client
-- KEYS[10] repair   KEYS[11..10+n] values of the n files, then leaves as ARGV says, then rebuild: hash
-- ARGV[1] leaves known   ARGV[2] the last of them   ARGV[3] member of drops   ARGV[4] id
-- ARGV[5] length of what precedes the path in a file's key   ARGV[6] client   ARGV[7] names in a leaf above which it is to be split
-- ARGV[8..7+n] the leaf of each file, an index into KEYS
--
-- Returns {"ok", versions, {"leaf names"...}} | {"gone"} | {"moved"} | {"lost"} while the metadata is rebuilt

if redis.call('HGET', KEYS[#KEYS], 'state') == 'lost' then
  return { 'lost' }
end
if redis.call('SISMEMBER', KEYS[6], ARGV[4]) == 0 then
  return { 'gone' }
end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) or (redis.call('LINDEX', KEYS[2], -1) or '') ~= ARGV[2] then
  return { 'moved' }
end

local function merge(value, lines)
  local all, known = {}, {}
  for line in string.gmatch((value or '') .. lines, '[^\n]+') do
    local version = tonumber(string.match(line, '^%d+'))
    if not known[version] then
      known[version] = true
      all[#all + 1] = { version, line }
    end
  end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  for i, entry in ipairs(all) do
    all[i] = entry[2]
  end
  return table.concat(all, '\n') .. '\n'
end

local changes, count, grown, doubles = {}, 0, {}, 0
for i = 1, #ARGV - 7 do
  local key, path = KEYS[10 + i], string.sub(KEYS[10 + i], tonumber(ARGV[5]) + 1)
  local value, lines = redis.call('GET', key), redis.call('HGET', KEYS[7], path)
  local merged, seen = merge(value, lines), {}
  for line in string.gmatch(lines, '[^\n]+') do
    local version, nodes, owed = string.match(line, '^(%d+) %d+ %d %S+ %S+ %S+ %S+ %S+ (%S+) (%d+)')
    count = count + 1
    if owed ~= '0' then
      redis.call('ZADD', KEYS[8], owed, ARGV[6] .. ' ' .. version .. ' ' .. path)
    end
    for id in string.gmatch(nodes, '[^,]+') do
      if not seen[id] and holds(merged, id) and not holds(value, id) then
        changes[id] = (changes[id] or 0) + 1
      end
      seen[id] = true
    end
  end
  doubles = doubles + bytes_of((value or '') .. lines) - bytes_of(merged)
  redis.call('SET', key, merged)
  if not value then
    local leaf = tonumber(ARGV[7 + i])
    redis.call('ZADD', KEYS[leaf], 0, path)
    grown[leaf] = true
  end
end
local large = {}
for leaf in pairs(grown) do
  local size = redis.call('ZCARD', KEYS[leaf])
  if size > tonumber(ARGV[7]) then
    large[#large + 1] = int(leaf) .. ' ' .. int(size)
  end
end
local fields = redis.call('HGETALL', KEYS[7])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 1) == '/' then
    redis.call('HSETNX', KEYS[9], string.sub(fields[i], 2), fields[i + 1])
  end
end
change_loads(KEYS[3], KEYS[4], changes)
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HINCRBY', KEYS[1], 'moments', 1)
redis.call('HINCRBY', KEYS[1], 'bytes', int(0 - doubles))
-- A pass that is under way looks at names first and then at what lies aside: it may be past these names already.
if redis.call('HGET', KEYS[10], 'running') == '1' then
  redis.call('HSETNX', KEYS[10], 'asked', '1')
end
redis.call('DEL', KEYS[7])
redis.call('ZREM', KEYS[5], ARGV[3])
redis.call('SREM', KEYS[6], ARGV[4])
return { 'ok', count, large }
