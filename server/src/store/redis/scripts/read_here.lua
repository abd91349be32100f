-- Reads named fields of one record, and writes something, as it is: whoever then waits for replicas knows that this server is the
-- master still, and that what it reads, or does not find, is no memory of a time before a failover.
--
-- KEYS  1 epoch, 2 hash
-- ARGV  1 epoch, 2... fields, of which the first stands in every record that is there
-- Answers {'FOUND', value or false ...}  {'NONE'}
redis.call('SET', KEYS[1], ARGV[1])
local found = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
return found[1] and {'FOUND', unpack(found)} or {'NONE'}
