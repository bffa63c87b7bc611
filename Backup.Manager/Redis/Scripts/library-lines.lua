-- Library, put in front of the scripts that name it. It touches no key.
-- A file's value: one line per version, ascending, fields separated by one space:
--   version timeMs kind size digest mtimeNs mode epoch ,node,node, copiesOwed traceId|-
-- Commas stand nowhere else, hence ",node," is found only where it names a node.

local TOMBSTONE = '4'

local function last_line(value)
  return string.sub(value, string.match(string.sub(value, 1, -2), '^.*\n()') or 1, -2)
end

-- The newest version's number, kind and nodes; nothing when there is none.
local function newest(value)
  if value then
    return string.match(last_line(value), '^(%d+) %d+ (%d) %S+ %S+ %S+ %S+ %S+ (%S+)')
  end
end

-- Where a version's line begins and ends, its line feed not counted; nothing when there is none.
local function place_of(value, version)
  local from = 1
  if string.sub(value, 1, #version + 1) ~= version .. ' ' then
    from = string.find(value, '\n' .. version .. ' ', 1, true)
    if not from then
      return nil
    end
    from = from + 1
  end
  return from, string.find(value, '\n', from, true) - 1
end

local function line_of(value, version)
  if value then
    local from, to = place_of(value, version)
    return from and string.sub(value, from, to)
  end
end

local function replace_line(value, version, line)
  local from, to = place_of(value, version)
  return string.sub(value, 1, from - 1) .. line .. string.sub(value, to + 1)
end

-- Numbers are compared as numbers and kept as text.
local function insert_in_order(value, version, line)
  if value == '' or tonumber(string.match(last_line(value), '^%d+')) < tonumber(version) then
    return value .. line .. '\n'
  end
  local parts, put = {}, false
  for old in string.gmatch(value, '[^\n]+') do
    if not put and tonumber(string.match(old, '^%d+')) > tonumber(version) then
      parts[#parts + 1], put = line, true
    end
    parts[#parts + 1] = old
  end
  return table.concat(parts, '\n') .. '\n'
end

-- The sizes of all versions in these lines together.
local function bytes_of(lines)
  local bytes = 0
  for size in string.gmatch(lines, '%d+ %d+ %d (%d+) [^\n]+\n') do
    bytes = bytes + tonumber(size)
  end
  return bytes
end

-- Everybody's quota: far from where counting ends, so that no commit fails in its middle.
local BYTES_MAX = 2 ^ 60

-- The answer to a client that wants to store more than it may; nothing when it does not. Deletions and empty files always may.
-- has: what it has stored, which counts until its nodes forget it, and its quota, both as the hash seq has them.
local function beyond_quota(has, more)
  local stored, quota = tonumber(has[1] or '0'), tonumber(has[2] or BYTES_MAX)
  if more > 0 and stored + more > quota then
    return { 'quota', string.format('%.0f', stored), string.format('%.0f', quota), string.format('%.0f', more) }
  end
end

-- What counts as a file: folders and tombstones cost a node next to nothing.
local function counts(kind)
  return kind == '1' or kind == '2'
end

-- Whether a node holds a copy of any version that counts.
local function holds(value, id)
  local wanted = ',' .. id .. ','
  if not value or not string.find(value, wanted, 1, true) then
    return false
  end
  for kind, nodes in string.gmatch(value, '%d+ %d+ (%d) %S+ %S+ %S+ %S+ %S+ (%S+)[^\n]*\n') do
    if counts(kind) and string.find(nodes, wanted, 1, true) then
      return true
    end
  end
  return false
end
