-- Newest jobs of one shard, in descending order of birth.
--
-- KEYS  1 epoch, 2 index of jobs; beyond these only the jobs of the same slot that the index names
-- ARGV  1 epoch, 2 the last job seen, as it stands in the index, or '', 3 most to return, 4 prefix of job keys, 5 what the names of
--       all jobs in the index begin with
-- Answers {'LISTED', {id, record or false} ...}
local last = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local listed = {'LISTED'}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], last, '-', 'BYLEX', 'REV', 'LIMIT', 0, tonumber(ARGV[3]))) do
  local id = ARGV[5] .. member
  listed[#listed + 1] = {id, redis.call('HGET', ARGV[4] .. id, 'record')}
end
return listed
