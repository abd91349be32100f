-- Tells under which reign this shard is.
--
-- KEYS  1 epoch, 2 reign
-- ARGV  1 epoch
-- Answers {'REIGN', reign, the one on record or '', microseconds in which no billed call is begun, when a loss was last declared}
local known_id, until_us, lost_at = unpack(redis.call('HMGET', KEYS[2], 'id', 'safe_until', 'lost_at'))
local left_us = math.max(0, tonumber(until_us or '0') - now_us())
return {'REIGN', reign_now(), known_id or '', int(left_us), lost_at or '0'}
