-- Notes that somebody wants a pass of repair, or a node's holdings compared with what is placed on it. It is done when its turn comes.
--
-- KEYS[1] hash: repair, or reconcile
-- ARGV[1] field   ARGV[2] value, kept where there is one already
--
-- Returns "ok"

redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return 'ok'
