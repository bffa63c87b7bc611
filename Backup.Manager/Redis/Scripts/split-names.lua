-- Splits a leaf that has grown too large into equal parts. The list of leaves only ever grows: its length and its last
-- entry, which is unique, say whether somebody else has split meanwhile.
--
-- KEYS[1] leaves: list of "unique first-name"   KEYS[2] the leaf   KEYS[3..] the new leaves
-- ARGV[1] leaves known   ARGV[2] the last of them   ARGV[3..] something unique for each new leaf
--
-- Returns "ok" | "moved"

if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) or (redis.call('LINDEX', KEYS[1], -1) or '') ~= ARGV[2] then
  return 'moved'
end
local names = redis.call('ZRANGE', KEYS[2], 0, -1)
local parts = #KEYS - 1
if #names < parts * 2 then
  return 'ok'
end
local first = math.floor(#names / parts)
for part = 2, parts do
  local from, to = math.floor(#names * (part - 1) / parts), math.floor(#names * part / parts)
  local members = {}
  for i = from + 1, to do
    members[#members + 1] = '0'
    members[#members + 1] = names[i]
  end
  redis.call('ZADD', KEYS[part + 1], (table.unpack or unpack)(members))
  redis.call('RPUSH', KEYS[1], ARGV[part + 1] .. ' ' .. names[from + 1])
end
redis.call('ZREMRANGEBYRANK', KEYS[2], first, -1)
return 'ok'
