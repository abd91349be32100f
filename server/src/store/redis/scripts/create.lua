-- Starts a job, or names the one that already serves such a request.
--
-- KEYS  1 epoch, 2 reign, 3 job, 4 sealed record, 5 dedupe record, 6 due set, 7 index of jobs, 8 feed, 9 which job served this
--       creation
-- ARGV  1 epoch, 2 reign, 3 plan (JSON, `CreatePlan` in jobs.rs), 4 the job's record, 5 sealed subject, 6 '1' when nothing new
--       may be begun
-- Answers {'STARTED', version, fence or false, stalled, deed}   the job is new; fence when it was claimed with it
--         {'REPLAY' | 'AGAIN' | 'ATTACHED' | 'REUSED', id, record, version}   AGAIN: as the same creation was served before
--         {'FULL'}  {'SETTLING'}
--         to a redo {'THERE'}  {'STARTED', ...}
local plan = cjson.decode(ARGV[3])
local is_redo = mode ~= 'do'

-- Also a job that another caller has just started must outlast a failover before it is promised to this one: it is written as
-- it is, so that the replicas that this caller waits for have it.
local function existing(word, id)
  local key = plan.job_prefix .. id
  local found = redis.call('HMGET', key, 'record', 'version')
  if not found[1] then
    return nil
  end
  redis.call('HSET', key, 'version', found[2])
  return {word, id, found[1], found[2]}
end

local replay = existing('REPLAY', plan.job)
if replay then
  return is_redo and {'THERE'} or replay
end

local served = plan.remember_ms and redis.call('GET', KEYS[9])
local again = served and existing('AGAIN', served)
if again and not is_redo then
  return again
end

local function serve(reply)
  if plan.remember_ms then
    redis.call('SET', KEYS[9], reply[2], 'PX', int(plan.remember_ms))
  end
  return reply
end

local live, unsettled = unpack(redis.call('HMGET', KEYS[5], 'live', 'unsettled'))
local attached = live and existing('ATTACHED', live)
if attached and not is_redo then
  return serve(attached)
end

-- An answer stands as '<ended_at in microseconds> <job>', one for each provider.
local now = now_us()
local newest_us, newest = math.max(plan.answered_since_us, now - plan.retention_us), nil
for _, provider in ipairs(plan.answered_by) do
  local answer = redis.call('HGET', KEYS[5], 'answer:' .. provider)
  if answer then
    local ended_us, id = string.match(answer, '^(%d+) (.+)$')
    ended_us = tonumber(ended_us)
    local reply = ended_us >= newest_us and existing('REUSED', id)
    if reply then
      newest_us, newest = ended_us, reply
    end
  end
end
if newest and not is_redo then
  return serve(newest)
end
local unknown = unsettled and not plan.repeat_allowed and existing('REUSED', unsettled)
if unknown and not is_redo then
  return serve(unknown)
end
if ARGV[6] == '1' and not is_redo then
  return {'FULL'}
end
if is_settling and not is_redo then
  return {'SETTLING'}
end

local fence, stalled, lease_until, due_at = 0, 0, 0, now
local is_claimed = plan.lease_us and (safe_for == 0 or is_redo)
if is_claimed then
  fence, stalled = 1, 1
  lease_until = now + plan.lease_us
  due_at = lease_until
end
redis.call('HSET', KEYS[3], 'record', ARGV[4], 'format', plan.format, 'version', 1, 'fence', fence, 'stalled', stalled,
  'lease_until', int(lease_until), 'sequence', int(plan.sequence), 'dedupe', KEYS[5], 'index', KEYS[7], 'member', plan.index_member,
  'reign', own_reign, 'base', 0)
redis.call('HSET', KEYS[4], 'subject', ARGV[5])
if not attached then
  redis.call('HSET', KEYS[5], 'live', plan.job)
end
redis.call('ZADD', KEYS[6], int(due_at), plan.job)
if plan.public then
  redis.call('ZADD', KEYS[7], 0, plan.index_member)
  local last = redis.call('XREVRANGE', KEYS[8], '+', '-', 'COUNT', 1)[1]
  local number = last and tonumber(string.match(last[1], '^%d+')) or 0
  redis.call('XADD', KEYS[8], 'MAXLEN', int(plan.feed_kept_max), int(number + 1) .. '-0', 'job', plan.job)
end
redis.call('PUBLISH', plan.bell, is_redo and plan.job or plan.job .. ' new')
return {'STARTED', '1', is_claimed and '1' or false, int(stalled), count_deeds(1)}
