-- Reads named fields of one record, and writes something, as it is: whoever then waits for replicas knows that this server is the
-- master still, and that what it reads, or does not find, is no memory of a time before a failover.
--
-- KEYS  1 epoch, 2 hash
-- ARGV  1 epoch, 2... fields
-- Answers {'FOUND', value or false ...}  {'NONE'}
redis.call('SET', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
  return {'NONE'}
end
return {'FOUND', unpack(redis.call('HMGET', KEYS[2], unpack(ARGV, 2)))}
