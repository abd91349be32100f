-- Versions of some jobs of one shard, without reading the jobs.
--
-- KEYS  1 epoch; beyond it only the jobs of the same slot that are asked for
-- ARGV  1 epoch, 2 prefix of job keys, 3... jobs
-- Answers {'VERSIONS', version, or false when the job or its version is not there ...}
local told = {'VERSIONS'}
for at = 3, #ARGV do
  local state = redis.call('HGET', ARGV[2] .. ARGV[at], 'state')
  told[#told + 1] = state and string.match(state, '^%d+') or false
end
return told
