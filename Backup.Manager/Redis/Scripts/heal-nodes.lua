-- A pass of repair that did everything has ended: notes what it has seen to. Not where another one was asked for meanwhile: some
-- versions may have gone past it. Uses library-fields.
--
-- KEYS[1] the duty: hash holder, until, token   KEYS[2] healed   KEYS[3] repair
-- ARGV[1] the fencing token   ARGV[2..] node, condition pairs; the condition "" removes the node
--
-- Returns {"ok"} | {"asked"} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
if redis.call('HEXISTS', KEYS[3], 'asked') == 1 then
  return { 'asked' }
end
set_fields(KEYS[2], 2)
return { 'ok' }
