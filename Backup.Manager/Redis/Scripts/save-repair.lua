-- Notes how far repair is, or that a node is reconciled, under the duty it is done under. Uses library-fields.
--
-- KEYS[1] the duty: hash holder, until, token   KEYS[2] hash: repair, healed or reconcile   KEYS[3] epoch
-- ARGV[1] the fencing token   ARGV[2] "1" to begin a new epoch, which tells this pass's copies from those of earlier ones
-- ARGV[3..] field, value pairs; the value "" removes the field
--
-- Returns {"ok", the cluster's epoch} | {"fenced"}

if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return { 'fenced' }
end
set_fields(KEYS[2], 3)
if ARGV[2] == '1' then
  redis.call('INCR', KEYS[3])
end
return { 'ok', tonumber(redis.call('GET', KEYS[3]) or '0') }
