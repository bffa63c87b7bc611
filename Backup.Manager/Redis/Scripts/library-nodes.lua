-- Library, put in front of the scripts that name it. It touches no key but those it is given.
-- A node's line, as node-<register|heartbeat> write it, fields separated by one space:
--   epoch incarnation incarnationEpoch lostFiles zone|- freeBytes totalBytes storedBytes lastSeenMs address

-- Numbers above 2^31 and both Luas (5.1 in Redis, 5.4 in Garnet) agree only on this form.
local function int(number)
  return string.format('%.0f', number)
end

-- What is free is compared in units of 16 MiB: 29 bits of fraction beside 24 bits of load fill a double exactly.
local FREE_UNIT_BYTES, FREE_UNITS = 16777216, 536870912

local function free_units(free_bytes)
  return math.max(1, math.min(FREE_UNITS - 1, math.floor(free_bytes / FREE_UNIT_BYTES)))
end

-- The order of candidates as one number: fewest files, then most free. Members break ties by their bytes.
local function candidate_score(load, free_bytes)
  return string.format('%.17g', load + 1 - free_units(free_bytes) / FREE_UNITS)
end

-- Adds what changed to both sorted sets. Nodes that take no files are in the first only.
local function change_loads(loads_key, candidates_key, changes)
  for id, change in pairs(changes) do
    if change ~= 0 then
      redis.call('ZINCRBY', loads_key, int(change), id)
      if redis.call('ZSCORE', candidates_key, id) then
        redis.call('ZINCRBY', candidates_key, int(change), id)
      end
    end
  end
end
