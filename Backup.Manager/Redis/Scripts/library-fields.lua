-- Sets fields of a hash: from this index on ARGV holds field, value pairs; the value "" removes the field.
local function set_fields(key, from)
  for i = from, #ARGV, 2 do
    if ARGV[i + 1] == '' then
      redis.call('HDEL', key, ARGV[i])
    else
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
end
