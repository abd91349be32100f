-- Tells under which reign this shard is.
--
-- KEYS  1 epoch, 2 reign
-- ARGV  1 epoch, 2 microseconds after that time until everybody has put back what they can
-- Answers {'REIGN', reign, the one on record or '', microseconds in which no billed call is begun, when a loss was last declared,
--          deeds that are missing, that nobody puts back, and that were not declared yet}
local known_id, until_us, lost_at = unpack(redis.call('HMGET', KEYS[2], 'id', 'safe_until', 'lost_at'))
local left_us = math.max(0, tonumber(until_us or '0') - now_us())
local reign = reign_now()
local counted_under, acknowledged, inherited, recovered, missed_under = unpack(
  redis.call('HMGET', KEYS[2], 'counted_under', 'acknowledged', 'inherited', 'recovered', 'missed_under'))
local missing = 0
if counted_under == reign and missed_under ~= reign and now_us() > tonumber(until_us or '0') + tonumber(ARGV[2]) then
  missing = math.max(0, tonumber(acknowledged) - tonumber(inherited) - tonumber(recovered))
end
return {'REIGN', reign, known_id or '', int(left_us), lost_at or '0', int(missing)}
