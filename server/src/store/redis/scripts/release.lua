-- Gives a lease back: the job is due at once. A stale fence, and a job that has ended, change nothing.
--
-- KEYS  1 epoch, 2 job, 3 due set
-- ARGV  1 epoch, 2 job id, 3 fence
-- Answers {'RELEASED'}
local state = state_of(redis.call('HGET', KEYS[2], 'state'))
if state and state.fence == tonumber(ARGV[3]) and redis.call('ZSCORE', KEYS[3], ARGV[2]) then
  state.lease_until, state.wake = 0, '0'
  redis.call('HSET', KEYS[2], 'state', text_of(state))
  redis.call('ZADD', KEYS[3], int(now_us()), ARGV[2])
end
return {'RELEASED'}
