-- Notes that versions which retention dropped, and which an undo may still bring back, lie on other nodes than before. They count
-- in no load and owe nothing until they are back. A line that is not what it was when the copies were planned stays as it is,
-- and so does everything once it goes for good: its nodes are being told to forget it.
--
-- KEYS[1] the duty: hash holder, until, token   KEYS[2] undoable   KEYS[3] what is dropped: hash path -> lines
-- ARGV[1] the fencing token   ARGV[2] id   ARGV[3..] of each version three: path; its line before; its line now
--
-- Returns {"ok", {number of each version that was changed...}} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
local applied = {}
if redis.call('SISMEMBER', KEYS[2], ARGV[2]) == 0 then
  return { 'ok', applied }
end
for at = 3, #ARGV, 3 do
  local path, old, new = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local value = '\n' .. (redis.call('HGET', KEYS[3], path) or '')
  local from, to = string.find(value, '\n' .. old .. '\n', 1, true)
  if from then
    redis.call('HSET', KEYS[3], path, string.sub(value, 2, from) .. new .. string.sub(value, to))
    applied[#applied + 1] = at / 3
  end
end
for i, number in ipairs(applied) do
  applied[i] = string.format('%.0f', number)
end
return { 'ok', applied }
