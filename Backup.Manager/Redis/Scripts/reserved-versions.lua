-- Which versions are reserved and not committed yet.
--
-- KEYS[1], KEYS[2..] reservations: hash path -> "version timeMs epoch ,nodes, ,nodes it was counted for,"
--
-- Returns {version...}

local versions = {}
for _, reservation in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('HVALS', reservation)) do
    versions[#versions + 1] = string.match(entry, '^%d+')
  end
end
return versions
