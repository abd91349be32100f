-- Newest rows of the ledger in one shard, in descending order of their intents.
--
-- KEYS  1 epoch, 2 index of charges; beyond these only the rows of the same slot that the index names
-- ARGV  1 epoch, 2 id of the last row seen or '', 3 most to return, 4 prefix of charge keys
-- Answers {'LISTED', {id, {field, value ...}} ...}
local last = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local listed = {'LISTED'}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], last, '-', 'BYLEX', 'REV', 'LIMIT', 0, tonumber(ARGV[3]))) do
  listed[#listed + 1] = {id, redis.call('HGETALL', ARGV[4] .. id)}
end
return listed
