-- Gives a lease back: the job is due at once. A stale fence, and a job that has ended, change nothing.
--
-- KEYS  1 epoch, 2 job, 3 due set
-- ARGV  1 epoch, 2 job id, 3 fence
-- Answers {'RELEASED'}
if redis.call('HGET', KEYS[2], 'fence') == ARGV[3] and redis.call('ZSCORE', KEYS[3], ARGV[2]) then
  redis.call('HSET', KEYS[2], 'lease_until', '0')
  redis.call('HDEL', KEYS[2], 'wake')
  redis.call('ZADD', KEYS[3], int(now_us()), ARGV[2])
end
return {'RELEASED'}
