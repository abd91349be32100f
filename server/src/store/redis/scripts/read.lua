-- Reads named fields of one record.
--
-- KEYS  1 epoch, 2 hash
-- ARGV  1 epoch, 2... fields, of which the first stands in every record that is there
-- Answers {'FOUND', value or false ...}  {'NONE'}
local found = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
return found[1] and {'FOUND', unpack(found)} or {'NONE'}
