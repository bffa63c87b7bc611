-- Notes that versions lie on other nodes than before: their lines, the loads of the nodes and the debts change together.
-- A line that is not what it was when the copies were planned stays as it is. Uses library-nodes, library-lines.
--
-- KEYS[1] loads   KEYS[2] candidates   KEYS[3] debts   KEYS[4] the duty   KEYS[5..] values of files
-- ARGV[1] the fencing token   ARGV[2] client   ARGV[3] length of what precedes the path in a file's key
-- ARGV[4..] of each version three: file, counted from 1; its line before; its line now. Versions of one file stand together.
--
-- Returns {"ok", {number of each version that was changed...}} | {"fenced"}

if redis.call('HGET', KEYS[4], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
local changes, applied = {}, {}

local function note_change(before, after, names, seen)
  for id in string.gmatch(names, '[^,]+') do
    if not seen[id] then
      seen[id] = true
      changes[id] = (changes[id] or 0) + (holds(after, id) and 1 or 0) - (holds(before, id) and 1 or 0)
    end
  end
end

local at = 4
while at <= #ARGV do
  local file = ARGV[at]
  local key = KEYS[4 + tonumber(file)]
  local before = redis.call('GET', key)
  local value, names = '\n' .. (before or ''), {}
  while ARGV[at] == file do
    local old, new = ARGV[at + 1], ARGV[at + 2]
    local from, to = string.find(value, '\n' .. old .. '\n', 1, true)
    if from then
      value = string.sub(value, 1, from) .. new .. string.sub(value, to)
      local version, new_names, owed = string.match(new, '^(%d+) %d+ %d %d+ %x+ %S+ %d+ %d+ (%S+) (%d+) %S+$')
      names[#names + 1] = new_names
      names[#names + 1] = string.match(old, '^%d+ %d+ %d %d+ %x+ %S+ %d+ %d+ (%S+)')
      applied[#applied + 1] = (at - 1) / 3
      local member = ARGV[2] .. ' ' .. version .. ' ' .. string.sub(key, tonumber(ARGV[3]) + 1)
      if owed == '0' then
        redis.call('ZREM', KEYS[3], member)
      else
        redis.call('ZADD', KEYS[3], owed, member)
      end
    end
    at = at + 3
  end
  if #names > 0 then
    value = string.sub(value, 2)
    redis.call('SET', key, value)
    local seen = {}
    for _, some in ipairs(names) do
      note_change(before, value, some, seen)
    end
  end
end
change_loads(KEYS[1], KEYS[2], changes)
for i, number in ipairs(applied) do
  applied[i] = int(number)
end
return { 'ok', applied }
