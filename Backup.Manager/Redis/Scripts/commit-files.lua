-- ⑥ Makes reserved versions visible, all or none: everything is checked before anything is written.
-- What is committed already is answered as it stands, so that a repeated call changes nothing. Uses library-nodes, library-lines.
--
-- KEYS[1] seq of the client   KEYS[2] the reservation   KEYS[3] reservations   KEYS[4] reserved   KEYS[5] loads
-- KEYS[6] candidates   KEYS[7] nodes   KEYS[8] clients: set   KEYS[9] debts: zset "client version path" -> copies owed
-- KEYS[10] leaves of the client's names: list   KEYS[11..10+n] values of the n files, then leaves and hints as ARGV says
-- KEYS[last - 1] generation: counts commits   KEYS[last] rebuild: hash
-- ARGV[1] the reservation's new expiry, ms   ARGV[2] its member   ARGV[3] copies   ARGV[4] "refuse" | "accept-debt"
-- ARGV[5] length of what precedes the path in a file's key   ARGV[6] client   ARGV[7] leaves known   ARGV[8] the last of them
-- ARGV[9] names in a leaf above which it is to be split
-- ARGV[10..9+n] "version kind size digest mtimeNs mode ,nodes, traceId|- leaf hint", leaf and hint indexes into KEYS, hint or 0
--
-- Returns {"ok", {line...}, {"leaf names"...}} | {"moved"} | {"gone", file} | {"other", file} | {"absent", file}
-- | {"lost"} while the metadata is rebuilt | {"nodes", file, reserved nodes} | {"stale", file, node} | {"quota", bytes, quota, bytes asked for}

if redis.call('HGET', KEYS[#KEYS], 'state') == 'lost' then
  return { 'lost' }
end
local copies, debt_allowed = tonumber(ARGV[3]), ARGV[4] == 'accept-debt'
local count = #ARGV - 9
local unpack = table.unpack or unpack

local paths = {}
for i = 1, count do
  paths[i] = string.sub(KEYS[10 + i], tonumber(ARGV[5]) + 1)
end
local values = redis.call('MGET', unpack(KEYS, 11, 10 + count))
local entries = redis.call('HMGET', KEYS[2], unpack(paths))

-- The nodes of ",node,node,", found once: a call has few such sets and many files.
local lists = {}
local function nodes_of(names)
  if not lists[names] then
    local list = {}
    for id in string.gmatch(names, '[^,]+') do
      list[#list + 1] = id
    end
    lists[names] = list
  end
  return lists[names]
end

-- The epoch in which a node's data directory was new: what was stored in it before is not there.
local since = {}
local function incarnation_epoch(id)
  if not since[id] then
    local line = redis.call('HGET', KEYS[7], id)
    since[id] = line and tonumber(string.match(line, '^%d+ %S+ (%d+)')) or math.huge
  end
  return since[id]
end

-- Whether the nodes that acknowledged are those reserved; fewer of them only where the policy accepts debt.
local function are_reserved(names, reserved)
  if names == reserved then
    return true
  end
  for _, id in ipairs(nodes_of(names)) do
    if not string.find(reserved, ',' .. id .. ',', 1, true) then
      return false
    end
  end
  local acknowledged = #nodes_of(names)
  return acknowledged == #nodes_of(reserved) or (debt_allowed and acknowledged > 0)
end

local lines, wanted, new_name, bytes = {}, {}, false, 0
for i = 1, count do
  local version, kind, size, digest, mtime, mode, names, trace, leaf, hint =
    string.match(ARGV[9 + i], '^(%d+) (%d) (%d+) (%x+) (%-?%d+) (%d+) (%S+) (%S+) (%d+) (%d+)$')
  local line = line_of(values[i], version)
  if line then
    if string.match(line, '^%d+ %d+ %d+ %d+ (%x+)') ~= digest then
      return { 'other', i }
    end
    lines[i] = line
  else
    local entry = entries[i] or ''
    local e_version, time, epoch, reserved, counted = string.match(entry, '^(%d+) (%d+) (%d+) (%S+) (%S+)$')
    if e_version ~= version then
      return { 'gone', i }
    end
    if not are_reserved(names, reserved) then
      return { 'nodes', i, reserved }
    end
    for _, id in ipairs(nodes_of(names)) do
      if incarnation_epoch(id) > tonumber(epoch) then
        return { 'stale', i, id }
      end
    end
    local newest_version, newest_kind = newest(values[i])
    if kind == TOMBSTONE and (not newest_version or newest_kind == TOMBSTONE) then
      return { 'absent', i }
    end
    new_name, bytes = new_name or not values[i], bytes + tonumber(size)
    local owed = math.max(0, copies - #nodes_of(names))
    lines[i] = table.concat({ version, time, kind, size, digest, mtime, mode, epoch, names, int(owed), trace }, ' ')
    wanted[#wanted + 1] = {
      i = i, version = version, kind = kind, newest = newest_version, names = names, counted = counted, owed = owed,
      leaf = tonumber(leaf), hint = tonumber(hint),
    }
  end
end
if new_name and (redis.call('LLEN', KEYS[10]) ~= tonumber(ARGV[7]) or (redis.call('LINDEX', KEYS[10], -1) or '') ~= ARGV[8]) then
  return { 'moved' }
end
if #wanted == 0 then
  return { 'ok', lines, {} }
end
local over = beyond_quota(redis.call('HMGET', KEYS[1], 'bytes', 'quota'), bytes)
if over then
  return over
end

-- New files are set by one command: a thousand commands from a script cost several times as much. No path stands in a call
-- twice (OperationIds.CheckPaths).
local changes, names_of_leaf, done, fresh = {}, {}, {}, {}
for _, file in ipairs(wanted) do
  local i, value = file.i, values[file.i]
  for _, id in ipairs(nodes_of(file.counted)) do
    changes[id] = (changes[id] or 0) - 1
  end
  for _, id in ipairs(nodes_of(file.names)) do
    if counts(file.kind) and not holds(value, id) then
      changes[id] = (changes[id] or 0) + 1
    end
  end
  if not value then
    fresh[#fresh + 1], fresh[#fresh + 2] = KEYS[10 + i], lines[i] .. '\n'
    local leaf = names_of_leaf[file.leaf] or {}
    leaf[#leaf + 1], leaf[#leaf + 2] = '0', paths[i]
    names_of_leaf[file.leaf] = leaf
  elseif file.newest and tonumber(file.newest) > tonumber(file.version) then
    redis.call('SET', KEYS[10 + i], insert_in_order(value, file.version, lines[i]))
  else
    redis.call('APPEND', KEYS[10 + i], lines[i] .. '\n')
  end
  if file.hint > 0 then
    redis.call('SET', KEYS[file.hint], file.names)
  end
  if file.owed > 0 then
    redis.call('ZADD', KEYS[9], int(file.owed), ARGV[6] .. ' ' .. file.version .. ' ' .. paths[i])
  end
  done[#done + 1] = paths[i]
end

if #fresh > 0 then
  redis.call('MSET', unpack(fresh))
end

local large = {}
for leaf, members in pairs(names_of_leaf) do
  redis.call('ZADD', KEYS[leaf], unpack(members))
  local size = redis.call('ZCARD', KEYS[leaf])
  if size > tonumber(ARGV[9]) then
    large[#large + 1] = int(leaf) .. ' ' .. int(size)
  end
end
change_loads(KEYS[5], KEYS[6], changes)
redis.call('HINCRBY', KEYS[1], 'bytes', int(bytes))
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('INCR', KEYS[#KEYS - 1])
redis.call('SADD', KEYS[8], ARGV[6])
redis.call('DECRBY', KEYS[4], int(#done))
redis.call('HDEL', KEYS[2], unpack(done))
if redis.call('HLEN', KEYS[2]) == 0 then
  redis.call('ZREM', KEYS[3], ARGV[2])
else
  redis.call('ZADD', KEYS[3], ARGV[1], ARGV[2])
end
return { 'ok', lines, large }
