-- Takes the reign of this shard on record. Whoever finds a new one first opens the time in which no billed call is begun, and the
-- shorter one in which no new job is.
--
-- KEYS  1 epoch, 2 reign
-- ARGV  1 epoch, 2 'redo:REIGN:', 3 microseconds of that time, 4 of the shorter one, 5 '1' when something was lost with the reign
--       before, 6 bell, 7 number of the newest deed that the caller knows to be acknowledged, 8 '1' to declare that deeds are
--       missing which nobody puts back
-- Answers {'ADOPTED', when a loss was last declared, '1' when this call was the first to declare those}  {'OTHER_REIGN', reign}
redis.call('HSET', KEYS[2], 'id', reign)
if known ~= reign then
  local now = now_us()
  redis.call('HSET', KEYS[2], 'safe_until', int(now + tonumber(ARGV[3])), 'settled_at', int(now + tonumber(ARGV[4])))
end
for _, field in ipairs({'acknowledged', 'deeds'}) do
  if tonumber(redis.call('HGET', KEYS[2], field) or '0') < tonumber(ARGV[7]) then
    redis.call('HSET', KEYS[2], field, ARGV[7])
  end
end
local is_first = ARGV[8] == '1' and redis.call('HGET', KEYS[2], 'missed_under') ~= reign
if is_first then
  redis.call('HSET', KEYS[2], 'missed_under', reign)
end
if ARGV[5] == '1' or is_first then
  redis.call('HSET', KEYS[2], 'lost_at', int(now_us()))
  redis.call('PUBLISH', ARGV[6], 'lost')
end
return {'ADOPTED', redis.call('HGET', KEYS[2], 'lost_at') or '0', is_first and '1' or '0'}
