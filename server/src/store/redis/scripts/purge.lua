-- Removes jobs of one shard that ended before a time, with all that belongs to them but the ledger rows and their units.
--
-- KEYS  1 epoch, 2 set of ended jobs
--       Beyond these only keys of the same slot: of the jobs themselves, and the dedupe records that they name.
-- ARGV  1 epoch, 2 ended before (microseconds), 3 most to remove, 4 prefix of job keys, 5 of sealed records, 6 of sets of charges
-- Answers {'PURGED', number}
local ended = redis.call('ZRANGE', KEYS[2], '-inf', '(' .. ARGV[2], 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(ended) do
  local dedupe, index, member = unpack(redis.call('HMGET', ARGV[4] .. id, 'dedupe', 'index', 'member'))
  if dedupe then
    local fields = redis.call('HGETALL', dedupe)
    for at = 1, #fields, 2 do
      if string.match(fields[at + 1], '%S+$') == id then
        redis.call('HDEL', dedupe, fields[at])
      end
    end
    redis.call('ZREM', index, member)
  end
  redis.call('DEL', ARGV[4] .. id, ARGV[5] .. id, ARGV[6] .. id)
  redis.call('ZREM', KEYS[2], id)
end
return {'PURGED', int(#ended)}
