-- Gives a background duty to one manager at a time. A new holder gets a higher token, which outlives the lease:
-- what an earlier holder still does is told by its token and refused.
--
-- KEYS[1] the duty: hash holder, until, token   KEYS[2] rebuild: hash
-- ARGV[1] now, ms   ARGV[2] end of the lease, ms   ARGV[3] who asks   ARGV[4] "1" for a duty that works on lost metadata, else nobody gets it then
--
-- Returns the token, or 0 when another one holds it

if ARGV[4] ~= '1' and redis.call('HGET', KEYS[2], 'state') == 'lost' then
  return 0
end
local duty = redis.call('HMGET', KEYS[1], 'holder', 'until')
if duty[1] and duty[1] ~= ARGV[3] and tonumber(duty[2]) > tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'holder', ARGV[3], 'until', ARGV[2])
if duty[1] ~= ARGV[3] then
  -- From the clock and not from one: when the metadata was lost, the token of an earlier holder must not come again.
  local token = string.format('%.0f', math.max(tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'token') or '0') + 1))
  redis.call('HSET', KEYS[1], 'token', token)
  return tonumber(token)
end
return tonumber(redis.call('HGET', KEYS[1], 'token'))
