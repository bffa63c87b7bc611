-- Library, put in front of the scripts that name it, after library-nodes. It reads the keys it is given, writes none.
-- Picks nodes in the order of Placement/PlacementOrder.cs: fewest files, then most free, then id; zones apart where that
-- is possible. Candidates are read from Redis only as far as they are needed, so that 1,000 nodes cost hardly more than 4.
--
-- Two levels of heaps: one heap of nodes per zone (a node without a zone is a zone of its own), and one heap of zones
-- by their best node. An entry remembers the load it was pushed with, and is stale when that is the node's load no more.

local FIRST_PART, PART_MAX = 8, 512

-- An id as four numbers in the order of its bytes: comparing strings goes by locale in Redis, and byte by byte in Lua it
-- would be most of the work. Ids have at most 32 of 37 characters, "-", digits, letters; ten fit a number.
local PER_NUMBER, CHARACTERS = 10, 38

local function numbers_of(id)
  local numbers = { 0, 0, 0, 0 }
  for i = 1, 4 * PER_NUMBER do
    local byte = string.byte(id, i) or 44
    local digit = byte < 48 and byte - 44 or byte < 58 and byte - 46 or byte - 85
    local at = math.ceil(i / PER_NUMBER)
    numbers[at] = numbers[at] * CHARACTERS + digit
    if byte == 44 and i % PER_NUMBER == 0 then
      break
    end
  end
  return numbers
end

local function before(a, b)
  if a.load ~= b.load then
    return a.load < b.load
  end
  a, b = a.node, b.node
  if a.units ~= b.units then
    return a.units > b.units
  end
  if a.first ~= b.first then
    return a.first < b.first
  end
  for i = 2, 4 do
    if a.numbers[i] ~= b.numbers[i] then
      return a.numbers[i] < b.numbers[i]
    end
  end
  return false
end

local function heap_push(heap, entry)
  local at = #heap + 1
  while at > 1 do
    local parent = math.floor(at / 2)
    if not before(entry, heap[parent]) then
      break
    end
    heap[at], at = heap[parent], parent
  end
  heap[at] = entry
end

local function heap_pop(heap)
  local top, last, count = heap[1], table.remove(heap), #heap
  local at = 1
  while at * 2 <= count do
    local child = at * 2
    if child < count and before(heap[child + 1], heap[child]) then
      child = child + 1
    end
    if not before(heap[child], last) then
      break
    end
    heap[at], at = heap[child], child
  end
  if count > 0 then
    heap[at] = last
  end
  return top
end

local function open_order(candidates_key, loads_key, nodes_key, avoid)
  local order = { nodes = {}, zones = {}, heap = {}, read = 0, part = FIRST_PART }
  local function make(id, line, load, candidate)
    local epoch, zone, free, address = string.match(line, '^(%d+) %S+ %d+ %d+ (%S+) (%d+) %d+ %d+ %d+ (%S+)$')
    free, load = tonumber(free), tonumber(load) or 0
    local node = {
      id = id, load = load, base = load, free = free, units = free_units(free), epoch = tonumber(epoch), address = address,
      good = candidate and not string.find(avoid, ',' .. id .. ',', 1, true),
    }
    node.numbers = numbers_of(id)
    node.first = node.numbers[1]
    node.group = zone == '-' and { heap = {} } or order.zones[zone] or { heap = {} }
    if zone ~= '-' then
      order.zones[zone] = node.group
    end
    order.nodes[id] = node
    return node
  end

  -- A node by name, candidate or not; nothing when it never registered.
  function order.node(id)
    local line = not order.nodes[id] and redis.call('HGET', nodes_key, id)
    if line then
      make(id, line, redis.call('ZSCORE', loads_key, id), redis.call('ZSCORE', candidates_key, id) and true)
    end
    return order.nodes[id]
  end

  local function top(group)
    local entry = group.heap[1]
    while entry and (entry.load ~= entry.node.load or entry.node.taken) do
      heap_pop(group.heap)
      entry = group.heap[1]
    end
    return entry
  end

  local function offer_group(group)
    local entry = top(group)
    if entry and not group.aside then
      heap_push(order.heap, { load = entry.load, node = entry.node, group = group })
    end
  end

  -- Makes a node eligible at its present load. To be called after each change of its load.
  function order.offer(node)
    if node.good then
      node.offered = true
      heap_push(node.group.heap, { load = node.load, node = node })
      offer_group(node.group)
    end
  end

  local function read_part()
    local ids = redis.call('ZRANGE', candidates_key, order.read, order.read + order.part - 1)
    order.exhausted = #ids < order.part
    order.read, order.part = order.read + #ids, math.min(order.part * 2, PART_MAX)
    if #ids == 0 then
      return
    end
    local lines = redis.call('HMGET', nodes_key, (table.unpack or unpack)(ids))
    local loads = redis.call('ZMSCORE', loads_key, (table.unpack or unpack)(ids))
    for i, id in ipairs(ids) do
      local node = order.nodes[id] or make(id, lines[i], loads[i], true)
      order.frontier = { load = node.base, node = node }
      if not node.offered then
        order.offer(node)
      end
    end
  end

  -- Takes the first entry of all; reads on while an unread candidate might come before it.
  local function pop_first()
    while true do
      local entry = order.heap[1]
      local now = entry and not entry.group.aside and top(entry.group)
      if entry and not (now and now.node == entry.node and now.load == entry.load) then
        heap_pop(order.heap)
      elseif not order.exhausted and not (entry and order.frontier and before(entry, order.frontier)) then
        read_part()
      else
        return entry and heap_pop(order.heap)
      end
    end
  end

  local function best_of(groups)
    local best
    for _, group in ipairs(groups) do
      local entry = top(group)
      if entry and (not best or before(entry, best)) then
        best = entry
      end
    end
    return best
  end

  -- The nodes for one file: those it keeps, then others up to the number of copies; fewer where there are not more.
  -- The caller counts them and calls done.
  function order.pick(copies, size, kept)
    local picked, aside, small = {}, {}, {}
    local function put_aside(group)
      group.aside = true
      aside[#aside + 1] = group
    end
    local function take(entry)
      heap_pop(entry.node.group.heap)
      entry.node.taken = true
      local fits = entry.node.free >= size
      table.insert(fits and picked or small, entry.node)
      return fits
    end
    for i = 1, math.min(#kept, copies) do
      kept[i].taken, picked[i] = true, kept[i]
      put_aside(kept[i].group)
    end
    while #picked < copies do
      local entry = pop_first()
      if not entry then
        break
      end
      local group = entry.group
      if take({ node = entry.node }) then
        put_aside(group)
      else
        offer_group(group)
      end
    end
    while #picked < copies do
      local entry = best_of(aside)
      if not entry then
        break
      end
      take(entry)
    end
    for _, group in ipairs(aside) do
      group.aside = false
    end
    picked.small = small
    return picked
  end

  -- Gives the picked nodes back at their new loads.
  function order.done(picked)
    for _, nodes in ipairs({ picked, picked.small }) do
      for _, node in ipairs(nodes) do
        node.taken = false
      end
      for _, node in ipairs(nodes) do
        order.offer(node)
      end
    end
  end

  return order
end
