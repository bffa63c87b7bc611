-- Library, put in front of the scripts that name it. It touches no key but those it is given. Uses library-nodes.
-- The hash "rebuild": state "lost" | "done", reason, sinceMs, epoch, restored, left ",node,", endedMs. While it says "lost"
-- nothing is placed or committed.

-- Nobody knows for sure how far the counters had come that were lost: what nodes remember may be some seconds old.
-- So many registrations, or commits, cannot have happened since.
local EPOCHS_AHEAD, COMMITS_AHEAD = 1000000, 4294967296

-- Nodes that registered up to the epoch noted must register again: from then on they refuse what was placed before,
-- and what they hold can be read without more coming in.
local function declare_lost(rebuild, inventoried, epoch_key, generation_key, now, epoch, generation, reason)
  local last = math.max(epoch, tonumber(redis.call('GET', epoch_key) or '0')) + EPOCHS_AHEAD
  redis.call('SET', epoch_key, int(last))
  redis.call('SET', generation_key, int(math.max(generation, tonumber(redis.call('GET', generation_key) or '0')) + COMMITS_AHEAD))
  redis.call('DEL', inventoried)
  redis.call('HSET', rebuild, 'state', 'lost', 'reason', reason, 'sinceMs', now, 'epoch', int(last), 'restored', '0', 'left', ',', 'endedMs', '0')
end

-- Whether a node knows of more than is here.
local function knows_more(epoch_key, generation_key, epoch, generation)
  if epoch > tonumber(redis.call('GET', epoch_key) or '0') then
    return 'a node was registered in epoch ' .. int(epoch) .. ' already'
  end
  if generation > tonumber(redis.call('GET', generation_key) or '0') then
    return 'a node has heard of commits that are not known here'
  end
end
