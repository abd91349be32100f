-- Lets a job come due sooner. One that is leased keeps its holder, and is due when that gives up the lease, as in commit.lua.
--
-- KEYS  1 epoch, 2 job, 3 due set
-- ARGV  1 epoch, 2 job id, 3 within how many microseconds
-- Answers {'HASTENED'}
local now = now_us()
local due_us = redis.call('ZSCORE', KEYS[3], ARGV[2])
if due_us and tonumber(redis.call('HGET', KEYS[2], 'lease_until') or '0') > now then
  redis.call('HSET', KEYS[2], 'wake', '1')
elseif due_us and tonumber(due_us) > now + tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[3])), ARGV[2])
end
return {'HASTENED'}
