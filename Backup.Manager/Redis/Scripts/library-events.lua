-- Adds events, which stand in ARGV from this index on without their sequence: "timeMs kind severity subject traceId|- message".
-- The oldest go where there are more than may be kept.
local function add_events(events, counter, most, from)
  for i = from, #ARGV do
    redis.call('LPUSH', events, string.format('%.0f', redis.call('INCR', counter)) .. ' ' .. ARGV[i])
  end
  if #ARGV >= from then
    redis.call('LTRIM', events, 0, tonumber(most) - 1)
  end
end
