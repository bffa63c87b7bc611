-- ③ Chooses and reserves nodes for files, one after the other as if each had been asked for alone.
-- A path that this operation has reserved keeps its place while all its nodes are still good, else gets another
-- under the same version, with what is left of the old one first. Nothing is written when the answer is not 'ok',
-- lapsed leases apart. Uses library-nodes, library-lines, library-order.
--
-- KEYS[1] seq of the client: hash, see Keys.cs   KEYS[2] the reservation: hash path -> entry
-- KEYS[3] reservations: zset member -> expiry                   KEYS[4] reserved: number of entries in all reservations
-- KEYS[5] loads      KEYS[6] candidates      KEYS[7] leases     KEYS[8] nodes: hash id -> line     KEYS[9] epoch
-- KEYS[10..9+n] values of the n files, KEYS[10+n..] hints of first chunks: ",node,node,"
-- KEYS[last] rebuild: hash
-- ARGV[1] now, ms   ARGV[2] expiry, ms   ARGV[3] the reservation's member   ARGV[4] copies   ARGV[5] "refuse" | "accept-debt"
-- ARGV[6] nodes to avoid ",node,node,"   ARGV[7] length of what precedes the path in a file's key
-- ARGV[8] most reservations to report as expired, 0 to go on with them   ARGV[9] most entries of a reservation
-- ARGV[10] "1": all files get the nodes of the first that needs a new place
-- ARGV[11..10+n] "kind size hint", hint an index into KEYS or 0
-- An entry: "version timeMs epoch ,nodes, ,nodes it was counted for,"
--
-- Returns {"ok", {"group version timeMs"...}, {"epoch ,node,node,"...}, {"id address"...}} | {"expired", members}
-- | {"lost"} while the metadata is rebuilt | {"many"} | {"absent", file} | {"few", file, how many there are}
-- | {"quota", bytes stored, quota, bytes asked for}

if redis.call('HGET', KEYS[#KEYS], 'state') == 'lost' then
  return { 'lost' }
end
local now, copies, refuse = tonumber(ARGV[1]), tonumber(ARGV[4]), ARGV[5] == 'refuse'
local count = #ARGV - 10
local unpack = table.unpack or unpack

for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[7], '-inf', ARGV[1])) do
  redis.call('ZREM', KEYS[6], id)
  redis.call('ZREM', KEYS[7], id)
end
if ARGV[8] ~= '0' then
  local expired = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'LIMIT', 0, ARGV[8])
  if #expired > 0 then
    return { 'expired', expired }
  end
end

local epoch = redis.call('GET', KEYS[9]) or '0'
local seq = redis.call('HMGET', KEYS[1], 'version', 'timeMs', 'bytes', 'quota')
local version = tonumber(seq[1] or '0')
-- A client's versions are ordered by time as they are by number, whatever the clock does.
local time = math.max(now, tonumber(seq[2] or '0'))

local paths, bytes = {}, 0
for i = 1, count do
  paths[i] = string.sub(KEYS[9 + i], tonumber(ARGV[7]) + 1)
  bytes = bytes + tonumber(string.match(ARGV[10 + i], '^%d (%d+)'))
end
local over = beyond_quota({ seq[3], seq[4] }, bytes)
if over then
  return over
end
local values = redis.call('MGET', unpack(KEYS, 10, 9 + count))
local entries = redis.call('HMGET', KEYS[2], unpack(paths))
local order = open_order(KEYS[6], KEYS[5], KEYS[8], ARGV[6])

-- The named nodes if each of them still takes files; else nothing.
local function still_good(names, wanted)
  local nodes = {}
  for id in string.gmatch(names or '', '[^,]+') do
    local node = #nodes < wanted and order.node(id)
    if node then
      if not node.good then
        return nil
      end
      nodes[#nodes + 1] = node
    end
  end
  return #nodes == wanted and nodes or nil
end

local function number_of(names)
  return select(2, string.gsub(names, '[^,]+', ''))
end

local function release(names)
  for id in string.gmatch(names, '[^,]+') do
    local node = order.node(id)
    node.load = node.load - 1
    order.offer(node)
  end
end

-- Adds one to each node that does not hold the file yet, if it is one,, and names these.
local function count_nodes(nodes, value, kind)
  local counted = {}
  for _, node in ipairs(nodes) do
    if counts(kind) and not holds(value, node.id) then
      node.load = node.load + 1
      counted[#counted + 1] = node.id
    end
  end
  return counted
end

local function names_of(nodes)
  local names = {}
  for i, node in ipairs(nodes) do
    names[i] = node.id
  end
  return ',' .. table.concat(names, ',') .. ','
end

local together

-- Nodes for a new place: those that hold the file, else those that hold its content, else what is left of the place it
-- had in this operation, filled up with fewest files first.
local function choose(i, kind, size, hint, before)
  local value = values[i]
  local _, _, holders = newest(value)
  local nodes = together or still_good(holders, copies)
  if not nodes and hint > 0 then
    nodes = still_good(redis.call('GET', KEYS[hint]) or '', copies)
  end
  if nodes then
    local counted = count_nodes(nodes, value, kind)
    for _, node in ipairs(counted) do
      order.offer(order.nodes[node])
    end
    return nodes, counted
  end
  local survivors = {}
  for id in string.gmatch(before or '', '[^,]+') do
    local node = order.node(id)
    if node and node.good then
      survivors[#survivors + 1] = node
    end
  end
  local picked = order.pick(copies, size, survivors)
  if #picked < copies and (refuse or #picked == 0) then
    return nil, #picked
  end
  local counted = count_nodes(picked, value, kind)
  order.done(picked)
  return picked, counted
end

local groups, group_of, used, files, writes, fresh = {}, {}, {}, {}, {}, 0
for i = 1, count do
  local kind, size, hint = string.match(ARGV[10 + i], '^(%d) (%d+) (%d+)$')
  local entry = entries[i]
  local e_version, e_time, e_epoch, names, counted
  if entry then
    e_version, e_time, e_epoch, names, counted = string.match(entry, '^(%d+) (%d+) (%d+) (%S+) (%S+)$')
  else
    local newest_version, newest_kind = newest(values[i])
    if kind == TOMBSTONE and (not newest_version or newest_kind == TOMBSTONE) then
      return { 'absent', i }
    end
  end

  local kept = entry and still_good(names, number_of(names))
  if kept then
    -- A node that started again since refuses the old epoch; what it has stored it still has.
    for _, node in ipairs(kept) do
      if node.epoch > tonumber(e_epoch) then
        e_epoch = epoch
      end
    end
  else
    if entry then
      release(counted)
    else
      version, fresh = version + 1, fresh + 1
      e_version, e_time = int(version), int(time)
    end
    local nodes, ids = choose(i, kind, tonumber(size), tonumber(hint), names)
    if not nodes then
      return { 'few', i, ids }
    end
    together = ARGV[10] == '1' and nodes or nil
    e_epoch, names, counted = epoch, names_of(nodes), ',' .. table.concat(ids, ',') .. ','
  end

  local group = e_epoch .. ' ' .. names
  if not group_of[group] then
    groups[#groups + 1] = group
    group_of[group] = #groups - 1
    for id in string.gmatch(names, '[^,]+') do
      used[id] = true
    end
  end
  files[i] = group_of[group] .. ' ' .. e_version .. ' ' .. e_time
  writes[#writes + 1] = paths[i]
  writes[#writes + 1] = e_version .. ' ' .. e_time .. ' ' .. e_epoch .. ' ' .. names .. ' ' .. counted
end
if fresh > 0 and redis.call('HLEN', KEYS[2]) + fresh > tonumber(ARGV[9]) then
  return { 'many' }
end

redis.call('HSET', KEYS[2], unpack(writes))
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[3])
if fresh > 0 then
  redis.call('HSET', KEYS[1], 'version', int(version), 'timeMs', int(time))
  redis.call('INCRBY', KEYS[4], int(fresh))
end
local addresses, loads, scores = {}, {}, {}
for id, node in pairs(order.nodes) do
  if used[id] then
    addresses[#addresses + 1] = id .. ' ' .. node.address
  end
  if node.load ~= node.base then
    loads[#loads + 1], loads[#loads + 2] = int(node.load), id
    scores[#scores + 1], scores[#scores + 2] = candidate_score(node.load, node.free), id
  end
end
if #loads > 0 then
  redis.call('ZADD', KEYS[5], unpack(loads))
  -- Nodes that take no files are not among the candidates, and stay out.
  redis.call('ZADD', KEYS[6], 'XX', unpack(scores))
end
return { 'ok', files, groups, addresses }
