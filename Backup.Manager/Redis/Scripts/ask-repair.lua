-- Notes that somebody wants a pass of repair, or nodes' holdings compared with what is placed on them, from the beginning. It is done
-- when its turn comes.
--
-- KEYS[1] hash: repair, or reconcile
-- ARGV[1] value   ARGV[2..] fields
--
-- Returns "ok"

for i = 2, #ARGV do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[1])
end
return 'ok'
