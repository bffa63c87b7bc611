-- Retention takes versions away that no kept moment shows, to be brought back by restore-drop until they go for good.
-- Since the plan was made more versions may have come: they only shorten what an older one shows, so the plan stays right.
-- It does so only while the client's moments are those that the plan was made of. Uses library-nodes, library-lines.
--
-- KEYS[1] seq of the client   KEYS[2] leaves   KEYS[3] loads   KEYS[4] candidates   KEYS[5] drops   KEYS[6] undoable
-- KEYS[7] what is dropped: hash path -> lines   KEYS[8] debts   KEYS[9] draining   KEYS[10] healed   KEYS[11] repair
-- KEYS[12..11+n] values of the n files, then leaves as ARGV says, then rebuild: hash
-- ARGV[1] moments as planned   ARGV[2] leaves known   ARGV[3] the last of them   ARGV[4] when it goes for good, ms
-- ARGV[5] member of drops   ARGV[6] id   ARGV[7] length of what precedes the path in a file's key   ARGV[8] client
-- ARGV[9..8+n] "leaf version,version", leaf an index into KEYS
--
-- Returns {"ok", versions, bytes} | {"changed"} | {"moved"} | {"lost"} while the metadata is rebuilt

if redis.call('HGET', KEYS[#KEYS], 'state') == 'lost' then
  return { 'lost' }
end
if (redis.call('HGET', KEYS[1], 'moments') or '0') ~= ARGV[1] then
  return { 'changed' }
end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) or (redis.call('LINDEX', KEYS[2], -1) or '') ~= ARGV[3] then
  return { 'moved' }
end

-- The lines that stay and those that go. What is current stays, and so does a tombstone that hides an older version.
local function part(value, versions)
  local kept, dropped, wanted = {}, {}, {}
  for version in string.gmatch(versions, '%d+') do
    wanted[version] = true
  end
  local current = last_line(value)
  for line in string.gmatch(value, '[^\n]+') do
    local version, kind = string.match(line, '^(%d+) %d+ (%d)')
    local goes = wanted[version]
    if goes and (kind == TOMBSTONE and #kept > 0 or kind ~= TOMBSTONE and line == current) then
      goes = false
    end
    local list = goes and dropped or kept
    list[#list + 1] = line
  end
  return kept, dropped
end

local files = #ARGV - 8
local values = redis.call('MGET', (table.unpack or unpack)(KEYS, 12, 11 + files))
local changes, count, bytes, leaving = {}, 0, 0, {}
for i = 1, files do
  local leaf, versions = string.match(ARGV[8 + i], '^(%d+) (%S+)$')
  local value, path = values[i], string.sub(KEYS[11 + i], tonumber(ARGV[7]) + 1)
  local kept, dropped = {}, {}
  if value then
    kept, dropped = part(value, versions)
  end
  if #dropped > 0 then
    local left = #kept > 0 and table.concat(kept, '\n') .. '\n'
    local seen = {}
    for _, line in ipairs(dropped) do
      local version, size, nodes = string.match(line, '^(%d+) %d+ %d (%d+) %S+ %S+ %S+ %S+ (%S+)')
      count, bytes = count + 1, bytes + tonumber(size)
      redis.call('ZREM', KEYS[8], ARGV[8] .. ' ' .. version .. ' ' .. path)
      for id in string.gmatch(nodes, '[^,]+') do
        if not seen[id] and holds(value, id) and not holds(left, id) then
          changes[id] = (changes[id] or 0) - 1
        end
        seen[id], leaving[id] = true, true
      end
    end
    redis.call('HSET', KEYS[7], path, table.concat(dropped, '\n') .. '\n')
    if left then
      redis.call('SET', KEYS[11 + i], left)
    else
      redis.call('DEL', KEYS[11 + i])
      redis.call('ZREM', KEYS[tonumber(leaf)], path)
    end
  end
end
if count == 0 then
  return { 'ok', 0, 0 }
end
change_loads(KEYS[3], KEYS[4], changes)
-- A node that is being emptied may hold nothing else any more, and is not empty: a pass over what lies aside has yet to see these.
for id in pairs(leaving) do
  if redis.call('SISMEMBER', KEYS[9], id) == 1 then
    redis.call('HDEL', KEYS[10], id)
    redis.call('HSETNX', KEYS[11], 'asked', '1')
  end
end
redis.call('ZADD', KEYS[5], ARGV[4], ARGV[5])
redis.call('SADD', KEYS[6], ARGV[6])
return { 'ok', count, int(bytes) }
