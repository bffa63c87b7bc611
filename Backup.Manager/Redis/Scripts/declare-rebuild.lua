-- Somebody wants the metadata rebuilt, whether anything is missing or not. Uses library-nodes, library-rebuild.
--
-- KEYS[1] rebuild: hash   KEYS[2] inventoried   KEYS[3] epoch   KEYS[4] generation
-- ARGV[1] now, ms   ARGV[2] why
--
-- Returns "ok"; when a rebuild is wanted already, nothing changes

if redis.call('HGET', KEYS[1], 'state') ~= 'lost' then
  declare_lost(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], 0, 0, ARGV[2])
end
return 'ok'
