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

local function line_of(value, version)
  if not value then
    return nil
  end
  local from = 1
  if string.sub(value, 1, #version + 1) ~= version .. ' ' then
    from = string.find(value, '\n' .. version .. ' ', 1, true)
    if not from then
      return nil
    end
    from = from + 1
  end
  return string.sub(value, from, string.find(value, '\n', from, true) - 1)
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
