-- Completes the creation of a data set: writes its epoch into one slot, unless the slot has one.
--
-- KEYS  1 epoch key of the slot
-- ARGV  1 epoch, 2 '1' when it may be written
-- Answers {'EPOCH', the epoch that stands there or false}
if ARGV[2] == '1' then
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
end
return {'EPOCH', redis.call('GET', KEYS[1])}
