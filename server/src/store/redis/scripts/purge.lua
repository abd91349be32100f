-- Removes jobs of one shard that ended before a time, with all that belongs to them but the ledger rows and their units.
-- A job with an unknown charge is needed to settle it: it loses its sealed record only, and is set aside until it changes.
--
-- KEYS  1 epoch, 2 set of ended jobs
--       Beyond these only keys of the same slot: of the jobs themselves, and the dedupe records that they name.
-- ARGV  1 epoch, 2 ended before (microseconds), 3 most to remove, 4 prefix of job keys, 5 of sealed records, 6 of sets of charges
-- Answers {'PURGED', jobs removed, jobs looked at}
local ended = redis.call('ZRANGE', KEYS[2], '-inf', '(' .. ARGV[2], 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]))
local removed = 0

local function is_unsettled(charges)
  for _, row in ipairs(redis.call('SMEMBERS', charges)) do
    if redis.call('HGET', row, 'charge') == 'unknown' then
      return true
    end
  end
  return false
end

-- Cut off here, before the first write, if the slot is on its way to another node.
for _, id in ipairs(ended) do
  local dedupe = redis.call('HGET', ARGV[4] .. id, 'dedupe')
  redis.call('EXISTS', ARGV[5] .. id)
  is_unsettled(ARGV[6] .. id)
  if dedupe then
    redis.call('EXISTS', dedupe)
  end
end
for _, id in ipairs(ended) do
  local kept = is_unsettled(ARGV[6] .. id)
  local dedupe, index, member = unpack(redis.call('HMGET', ARGV[4] .. id, 'dedupe', 'index', 'member'))
  if dedupe then
    local fields = redis.call('HGETALL', dedupe)
    for at = 1, #fields, 2 do
      local is_answer = string.sub(fields[at], 1, 7) == 'answer:'
      if string.match(fields[at + 1], '%S+$') == id and (is_answer or not kept) then
        redis.call('HDEL', dedupe, fields[at])
      end
    end
    if not kept then
      redis.call('ZREM', index, member)
    end
  end
  redis.call('DEL', ARGV[5] .. id)
  if not kept then
    redis.call('DEL', ARGV[4] .. id, ARGV[6] .. id)
    removed = removed + 1
  end
  redis.call('ZREM', KEYS[2], id)
end
return {'PURGED', int(removed), int(#ended)}
