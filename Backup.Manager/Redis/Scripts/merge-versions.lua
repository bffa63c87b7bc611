-- Adds versions that nodes hold to the metadata of a client. What is known already stays as it is; a version that is known
-- with fewer copies than wanted gets those that were found. Repeating it changes nothing. Uses library-nodes, library-lines.
--
-- KEYS[1] the duty it is done under: hash holder, until, token   KEYS[2] rebuild: hash   KEYS[3] seq of the client   KEYS[4] loads
-- KEYS[5] candidates   KEYS[6] clients: set   KEYS[7] debts   KEYS[8] leaves: list   KEYS[9] generation
-- KEYS[10..9+f] values of the f files, then leaves and hints as ARGV says
-- ARGV[1] the fencing token   ARGV[2] copies   ARGV[3] length of what precedes the path in a file's key   ARGV[4] client
-- ARGV[5] leaves known   ARGV[6] the last of them   ARGV[7] names in a leaf above which it is to be split   ARGV[8] f
-- ARGV[9..8+f] the leaf of each file, an index into KEYS
-- ARGV[9+f..] versions, ascending: "file version timeMs kind size digest mtimeNs mode epoch ,holders, ,named, traceId|- hint",
-- file counted from 1, holders those that are to count, named those its manifest names, hint an index into KEYS or 0
--
-- Returns {"ok", versions added, {"leaf names"...}} | {"moved"} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
-- A version that was placed and not committed has a number as well, and its client may still be sending it.
local VERSIONS_AHEAD = 1000000
local copies, count = tonumber(ARGV[2]), tonumber(ARGV[8])
local unpack = table.unpack or unpack
local old = redis.call('MGET', unpack(KEYS, 10, 9 + count))
local values, new_name = {}, false
for i = 1, count do
  values[i] = old[i] or ''
  new_name = new_name or not old[i]
end
if new_name and (redis.call('LLEN', KEYS[8]) ~= tonumber(ARGV[5]) or (redis.call('LINDEX', KEYS[8], -1) or '') ~= ARGV[6]) then
  return { 'moved' }
end

local function count_of(names)
  return select(2, string.gsub(names, '[^,]+', ''))
end

-- Both lists without doubles, in the order of the manifest where that names them, and no longer than wanted unless the first one is.
local function join(known, found, named)
  local all, most = {}, math.max(copies, count_of(known))
  local function add(names, only)
    for id in string.gmatch(names, '[^,]+') do
      if #all < most and not all[id] and (not only or string.find(only, ',' .. id .. ',', 1, true)) then
        all[#all + 1], all[id] = id, true
      end
    end
  end
  add(known)
  add(found)
  local picked = ',' .. table.concat(all, ',') .. ','
  all = {}
  add(named, picked)
  add(picked)
  return ',' .. table.concat(all, ',') .. ','
end

local restored, bytes, debts, paid, highest, latest = 0, 0, {}, {}, 0, 0
for i = 9 + count, #ARGV do
  local file, version, time, kind, size, digest, mtime, mode, epoch, holders, named, trace, hint =
    string.match(ARGV[i], '^(%d+) (%d+) (%d+) (%d) (%d+) (%x+) (%-?%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%d+)$')
  file = tonumber(file)
  local value = values[file]
  local member = ARGV[4] .. ' ' .. version .. ' ' .. string.sub(KEYS[9 + file], tonumber(ARGV[3]) + 1)
  local line = line_of(value, version)
  local nodes = holders
  if not line then
    local owed = math.max(0, copies - count_of(holders))
    values[file] = insert_in_order(value, version,
      table.concat({ version, time, kind, size, digest, mtime, mode, epoch, holders, int(owed), trace }, ' '))
    restored, bytes = restored + 1, bytes + tonumber(size)
    debts[member] = owed > 0 and owed or nil
  else
    local before, l_digest, between, l_nodes, owed, l_trace =
      string.match(line, '^(%d+ %d+ %d %d+ )(%x+)( %-?%d+ %d+ %d+ )(%S+) (%d+) (%S+)$')
    nodes = l_digest == digest and tonumber(owed) > 0 and join(l_nodes, holders, named) or l_nodes
    if nodes ~= l_nodes then
      owed = math.max(0, copies - count_of(nodes))
      values[file] = replace_line(value, version, before .. l_digest .. between .. nodes .. ' ' .. int(owed) .. ' ' .. l_trace)
      debts[member] = owed > 0 and owed or nil
      paid[member] = owed == 0 or nil
    end
  end
  if hint ~= '0' then
    redis.call('SET', KEYS[tonumber(hint)], nodes)
  end
  highest, latest = math.max(highest, tonumber(version)), math.max(latest, tonumber(time))
end

local changes, large, grown = {}, {}, {}
for i = 1, count do
  if values[i] ~= (old[i] or '') then
    redis.call('SET', KEYS[9 + i], values[i])
    local seen = {}
    for names in string.gmatch(values[i], ' (,%S+,) ') do
      for id in string.gmatch(names, '[^,]+') do
        if not seen[id] and holds(values[i], id) and not holds(old[i], id) then
          changes[id] = (changes[id] or 0) + 1
        end
        seen[id] = true
      end
    end
  end
  if not old[i] then
    local leaf = tonumber(ARGV[8 + i])
    redis.call('ZADD', KEYS[leaf], 0, string.sub(KEYS[9 + i], tonumber(ARGV[3]) + 1))
    grown[leaf] = true
  end
end
for leaf in pairs(grown) do
  local size = redis.call('ZCARD', KEYS[leaf])
  if size > tonumber(ARGV[7]) then
    large[#large + 1] = int(leaf) .. ' ' .. int(size)
  end
end
for member in pairs(paid) do
  redis.call('ZREM', KEYS[7], member)
end
for member, owed in pairs(debts) do
  redis.call('ZADD', KEYS[7], int(owed), member)
end
change_loads(KEYS[4], KEYS[5], changes)
local seq = redis.call('HMGET', KEYS[3], 'version', 'timeMs', 'generation')
redis.call('HSET', KEYS[3],
  'version', int(math.max(tonumber(seq[1] or '0'), highest + VERSIONS_AHEAD)),
  'timeMs', int(math.max(tonumber(seq[2] or '0'), latest)),
  'generation', int(math.max(tonumber(seq[3] or '0') + 1, tonumber(redis.call('GET', KEYS[9]) or '0'))))
redis.call('HINCRBY', KEYS[3], 'bytes', int(bytes))
redis.call('SADD', KEYS[6], ARGV[4])
redis.call('HINCRBY', KEYS[2], 'restored', int(restored))
return { 'ok', restored, large }
