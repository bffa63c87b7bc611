-- What was dropped under one id goes for good from now on: an undo does not bring it back any more.
--
-- KEYS[1] the duty it is done under: hash holder, until, token   KEYS[2] drops   KEYS[3] undoable   KEYS[4] what was dropped: hash
-- ARGV[1] the fencing token   ARGV[2] now, ms   ARGV[3] member of drops   ARGV[4] id
--
-- Returns {"ok", {path, lines...}} | {"fenced"} | {"gone"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
local due = redis.call('ZSCORE', KEYS[2], ARGV[3])
if not due or tonumber(due) > tonumber(ARGV[2]) then
  return { 'gone' }
end
redis.call('SREM', KEYS[3], ARGV[4])
return { 'ok', redis.call('HGETALL', KEYS[4]) }
