-- Removes jobs of one shard that ended before a time, with all that belongs to them but the ledger rows and their units.
-- A job with an unknown charge is needed to settle it: it loses its sealed record only, and is set aside until it changes.
--
-- KEYS  1 epoch, 2 set of ended jobs
--       Beyond these only keys of the same slot: of the jobs themselves, and the dedupe records that they name.
-- ARGV  1 epoch, 2 ended before (microseconds), 3 most to remove, 4 prefix of job keys, 5 of names of charges, 6 of charges,
--       7 of dedupe records, 8 of indexes of jobs, 9 what the names of all jobs in an index begin with
-- Answers {'PURGED', jobs removed, jobs looked at}
local ended = redis.call('ZRANGE', KEYS[2], '-inf', '(' .. ARGV[2], 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]))
local removed = 0

local function is_unsettled(id)
  for charge in string.gmatch(redis.call('GET', ARGV[5] .. id) or '', '%S+') do
    if redis.call('HGET', ARGV[6] .. charge, 'charge') == 'unknown' then
      return true
    end
  end
  return false
end

-- Cut off here, before the first write, if the slot is on its way to another node.
local jobs = {}
for _, id in ipairs(ended) do
  local name = redis.call('HGET', ARGV[4] .. id, 'dedupe')
  local job = {id = id, kept = is_unsettled(id), earlier = {}}
  if name then
    job.dedupe = ARGV[7] .. name
    job.earlier = redis.call('HGETALL', job.dedupe)
    job.index = ARGV[8] .. string.match(name, '^[^:]*:([^:]*):')
    redis.call('EXISTS', job.index)
  end
  jobs[#jobs + 1] = job
end
for _, job in ipairs(jobs) do
  for at = 1, #job.earlier, 2 do
    local is_answer = string.sub(job.earlier[at], 1, 7) == 'answer:'
    if string.match(job.earlier[at + 1], '%S+$') == job.id and (is_answer or not job.kept) then
      redis.call('HDEL', job.dedupe, job.earlier[at])
    end
  end
  if job.kept then
    redis.call('HDEL', ARGV[4] .. job.id, 'subject', 'answer')
  else
    if job.index and string.sub(job.id, 1, #ARGV[9]) == ARGV[9] then
      redis.call('ZREM', job.index, string.sub(job.id, #ARGV[9] + 1))
    end
    redis.call('DEL', ARGV[4] .. job.id, ARGV[5] .. job.id)
    removed = removed + 1
  end
  redis.call('ZREM', KEYS[2], job.id)
end
return {'PURGED', int(removed), int(#ended)}
