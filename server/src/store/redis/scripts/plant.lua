-- Completes the creation of a data set: writes its epoch into one slot, unless the slot has one. A shard that begins empty has
-- lost nothing: its first reign is known from the start.
--
-- KEYS  1 epoch key of the slot, in a shard also 2 reign
-- ARGV  1 epoch, 2 '1' when it may be written
-- Answers {'EPOCH', the epoch that stands there or false}
if ARGV[2] == '1' and redis.call('SET', KEYS[1], ARGV[1], 'NX') and KEYS[2] then
  redis.call('HSET', KEYS[2], 'id', reign_now(), 'safe_until', '0', 'lost_at', '0')
end
return {'EPOCH', redis.call('GET', KEYS[1])}
