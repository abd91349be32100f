-- Lets a job come due sooner. One that is leased keeps its holder, and is due when that gives up the lease, as in commit.lua.
--
-- KEYS  1 epoch, 2 job, 3 due set
-- ARGV  1 epoch, 2 job id, 3 within how many microseconds
-- Answers {'HASTENED'}
local now = now_us()
local due_us = redis.call('ZSCORE', KEYS[3], ARGV[2])
local state = due_us and state_of(redis.call('HGET', KEYS[2], 'state'))
if state and state.lease_until > now then
  state.wake = '1'
  redis.call('HSET', KEYS[2], 'state', text_of(state))
elseif due_us and tonumber(due_us) > now + tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[3])), ARGV[2])
end
return {'HASTENED'}
