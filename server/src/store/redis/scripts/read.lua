-- Reads named fields of one record.
--
-- KEYS  1 epoch, 2 hash
-- ARGV  1 epoch, 2... fields
-- Answers {'FOUND', value or false ...}  {'NONE'}
if redis.call('EXISTS', KEYS[2]) == 0 then
  return {'NONE'}
end
return {'FOUND', unpack(redis.call('HMGET', KEYS[2], unpack(ARGV, 2)))}
