-- Marks a data set as whole.
--
-- KEYS  1 meta
-- ARGV  1 epoch
-- Answers {'COMPLETE'}  {'DATASET_LOST'}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return {'DATASET_LOST'}
end
redis.call('HSET', KEYS[1], 'complete', '1')
return {'COMPLETE'}
