-- Takes the reign of this shard on record. Whoever finds a new one first opens the time in which no billed call is begun.
--
-- KEYS  1 epoch, 2 reign
-- ARGV  1 epoch, 2 'redo:REIGN:', 3 microseconds of that time, 4 '1' when something was lost with the reign before, 5 bell
-- Answers {'ADOPTED', when a loss was last declared}  {'OTHER_REIGN', reign}
redis.call('HSET', KEYS[2], 'id', reign)
if known ~= reign then
  redis.call('HSET', KEYS[2], 'safe_until', int(now_us() + tonumber(ARGV[3])))
end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[2], 'lost_at', int(now_us()))
  redis.call('PUBLISH', ARGV[5], 'lost')
end
return {'ADOPTED', redis.call('HGET', KEYS[2], 'lost_at') or '0'}
