-- Which of the versions that were acknowledged this shard does not hold.
--
-- KEYS  1 epoch, 2 reign; beyond these only the jobs of the same slot that are asked for
-- ARGV  1 epoch, 2 'redo:REIGN:', 3 prefix of job keys, then of each version: job, version, the reign under which it came
-- Answers {'MISSING', place in the list from 1 ...}  {'OTHER_REIGN', reign}
local missing = {'MISSING'}
for at = 4, #ARGV, 3 do
  local found = state_of(redis.call('HGET', ARGV[3] .. ARGV[at], 'state'))
  if not holds(found, tonumber(ARGV[at + 1]), ARGV[at + 2]) then
    missing[#missing + 1] = int((at - 1) / 3)
  end
end
return missing
