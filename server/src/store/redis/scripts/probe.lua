-- Tells that the data set is the one that was opened, and the time of its clock. As a script that may write it is refused by
-- a server that takes no writes, so an answer also says: writable.
--
-- KEYS  1 meta
-- ARGV  1 epoch
-- Answers {'HERE', now in microseconds}  {'DATASET_LOST'}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return {'DATASET_LOST'}
end
local time = redis.call('TIME')
return {'HERE', string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))}
