-- Starts a job, or names the one that already serves such a request.
--
-- KEYS  1 epoch, 2 job, 3 sealed record, 4 dedupe record, 5 due set, 6 index of jobs, 7 feed, 8 which job served this creation
-- ARGV  1 epoch, 2 plan (JSON, `CreatePlan` in jobs.rs), 3 the job's record, 4 sealed subject
-- Answers {'STARTED', version, fence or false, stalled}   the job is new; fence when it was claimed with it
--         {'REPLAY' | 'AGAIN' | 'ATTACHED' | 'REUSED', id, record, version}   AGAIN: as the same creation was served before
local plan = cjson.decode(ARGV[2])

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
  return replay
end

local served = plan.remember_ms and redis.call('GET', KEYS[8])
local again = served and existing('AGAIN', served)
if again then
  return again
end

local function serve(reply)
  if plan.remember_ms then
    redis.call('SET', KEYS[8], reply[2], 'PX', int(plan.remember_ms))
  end
  return reply
end

local live, unsettled = unpack(redis.call('HMGET', KEYS[4], 'live', 'unsettled'))
local attached = live and existing('ATTACHED', live)
if attached then
  return serve(attached)
end

-- An answer stands as '<ended_at in microseconds> <job>', one for each provider.
local now = now_us()
local newest_us, newest = math.max(plan.answered_since_us, now - plan.retention_us), nil
for _, provider in ipairs(plan.answered_by) do
  local answer = redis.call('HGET', KEYS[4], 'answer:' .. provider)
  if answer then
    local ended_us, id = string.match(answer, '^(%d+) (.+)$')
    ended_us = tonumber(ended_us)
    local reply = ended_us >= newest_us and existing('REUSED', id)
    if reply then
      newest_us, newest = ended_us, reply
    end
  end
end
if newest then
  return serve(newest)
end
local unknown = unsettled and not plan.repeat_allowed and existing('REUSED', unsettled)
if unknown then
  return serve(unknown)
end

local fence, stalled, lease_until, due_at = 0, 0, 0, now
if plan.lease_us then
  fence, stalled = 1, 1
  lease_until = now + plan.lease_us
  due_at = lease_until
end
redis.call('HSET', KEYS[2], 'record', ARGV[3], 'format', plan.format, 'version', 1, 'fence', fence, 'stalled', stalled,
  'lease_until', int(lease_until), 'sequence', int(plan.sequence), 'dedupe', KEYS[4], 'index', KEYS[6], 'member', plan.index_member)
redis.call('HSET', KEYS[3], 'subject', ARGV[4])
redis.call('HSET', KEYS[4], 'live', plan.job)
redis.call('ZADD', KEYS[5], int(due_at), plan.job)
if plan.public then
  redis.call('ZADD', KEYS[6], 0, plan.index_member)
  local last = redis.call('XREVRANGE', KEYS[7], '+', '-', 'COUNT', 1)[1]
  local number = last and tonumber(string.match(last[1], '^%d+')) or 0
  redis.call('XADD', KEYS[7], 'MAXLEN', int(plan.feed_kept_max), int(number + 1) .. '-0', 'job', plan.job)
end
redis.call('PUBLISH', plan.bell, plan.job)
return {'STARTED', '1', plan.lease_us and '1' or false, int(stalled)}
