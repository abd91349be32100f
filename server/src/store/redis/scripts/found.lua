-- Names the data set; only the first who asks, with leave to create it, does. A data set is whole once every slot holds its epoch
-- (plant.lua) and `complete` is set: on a cluster no single script can write them all.
--
-- KEYS  1 meta
-- ARGV  1 '1' when it may be created, 2 format, 3 shards, 4 fingerprint of the secret
-- Answers {'DATA_SET', epoch, format, shards, secret, '1' when complete}  {'NONE'}
if redis.call('EXISTS', KEYS[1]) == 0 then
  if ARGV[1] ~= '1' then
    return {'NONE'}
  end
  -- The time of its birth tells data sets apart.
  local time = redis.call('TIME')
  local epoch = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'format', ARGV[2], 'shards', ARGV[3], 'secret', ARGV[4], 'complete', '0')
end
return {'DATA_SET', unpack(redis.call('HMGET', KEYS[1], 'epoch', 'format', 'shards', 'secret', 'complete'))}
