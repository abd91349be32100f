-- What stands of some jobs of one shard in different places. It changes nothing. A page of the whole keyspace at a time, so that
-- other calls are served in between; what is asked of one job is of one instant.
--
-- KEYS  1 epoch, 2 due set, 3 set of ended jobs; beyond these only the jobs of the same slot
-- ARGV  1 epoch, 2 prefix of job keys, 3 cursor, 4 'jobs' or 'due', 5 about how many keys to look at
-- Answers {'EXAMINED', next cursor, {id, record or false, sequence or false, '1' when due, '1' when ended} ...}
--         With 'due' only those that the due set names and that are not there.
local prefix, what = ARGV[2], ARGV[4]
local found = {}
local function look_at(id)
  local record, text = unpack(redis.call('HMGET', prefix .. id, 'record', 'state'))
  local state = state_of(text)
  if what == 'jobs' or not record then
    found[#found + 1] = {id, record, state and int(state.sequence) or false,
      redis.call('ZSCORE', KEYS[2], id) and '1' or '0', redis.call('ZSCORE', KEYS[3], id) and '1' or '0'}
  end
end

local cursor, names
if what == 'jobs' then
  -- Braces are no pattern, and nothing else of a prefix is.
  cursor, names = unpack(redis.call('SCAN', ARGV[3], 'MATCH', prefix .. '*', 'COUNT', ARGV[5]))
  for _, name in ipairs(names) do
    look_at(string.sub(name, #prefix + 1))
  end
else
  cursor, names = unpack(redis.call('ZSCAN', KEYS[2], ARGV[3], 'COUNT', ARGV[5]))
  for place = 1, #names, 2 do
    look_at(names[place])
  end
end
return {'EXAMINED', cursor, unpack(found)}
