-- Starts a job, or names the one that already serves such a request.
--
-- KEYS  1 epoch, 2 reign, 3 job, 4 dedupe record, 5 due set, 6 index of jobs, 7 feed, 8 which job served this creation;
--       with an intent: 9 names of the job's charges, 10... its keys (intents.lua)
-- ARGV  1 epoch, 2 reign, 3 plan (`creation_call` in jobs.rs), 4 the job's record, 5 sealed subject, 6 '1' when nothing new may be
--       begun, 7 bell, 8 name of the dedupe record, 9 entry in the index or '' when callers do not see the job, 10 providers whose
--       answers serve; with an intent: 11, 12 the intent (intents.lua), 13 the operation that commits it
-- Answers {'STARTED', version, fence or false, stalled, deed}   the job is new; fence when it was claimed with it
--         {'REPLAY' | 'ATTACHED', id, record, version}
--         {'AGAIN' | 'REUSED', id, record, version, sealed answer or false}   AGAIN: as the same creation was served before
--         {'FULL'}  {'SETTLING'}
--         {'REFUSED'}   the job would be new, and its intent cannot be had: nothing was changed
--         to a redo {'THERE'}  {'STARTED', ...}
--
-- A job that is begun with its intent stands as if that had been committed after its creation, and counts as both: so it is put back
-- by these two, and no redo comes with an intent.
local job, sequence, format, answered_since_us, retention_us, repeat_allowed, lease_us, remember_ms, feed_kept_min = string.match(
  ARGV[3], '^(%S+) (%d+) (%d+) (%S+) (%d+) (%d) (%d+) (%d+) (%d+)$')
local job_prefix = string.sub(KEYS[3], 1, -#job - 1)
local is_redo = mode ~= 'do'

-- Also a job that another caller has just started must outlast a failover before it is promised to this one: it is written as
-- it is, so that the replicas that this caller waits for have it.
local function existing(word, id, ...)
  local key = job_prefix .. id
  local record, state, answer = unpack(redis.call('HMGET', key, 'record', 'state', ...))
  if not record then
    return nil
  end
  redis.call('HSET', key, 'state', state)
  return {word, id, record, string.match(state, '^%d+'), answer}
end

local replay = existing('REPLAY', job)
if replay then
  return is_redo and {'THERE'} or replay
end

local served = remember_ms ~= '0' and redis.call('GET', KEYS[8])
local again = served and existing('AGAIN', served, 'answer')
if again and not is_redo then
  return again
end

local function serve(reply)
  if remember_ms ~= '0' then
    redis.call('SET', KEYS[8], reply[2], 'PX', remember_ms)
  end
  return reply
end

local fields = {'live', 'unsettled'}
for provider in string.gmatch(ARGV[10], '%S+') do
  fields[#fields + 1] = 'answer:' .. provider
end
local serving = redis.call('HMGET', KEYS[4], unpack(fields))
local live, unsettled = serving[1], serving[2]
local attached = live and existing('ATTACHED', live)
if attached and not is_redo then
  return serve(attached)
end

-- An answer stands as '<ended_at in microseconds> <job>', one for each provider.
local newest_us, newest = math.max(tonumber(answered_since_us), now - tonumber(retention_us)), nil
for at = 3, #fields do
  if serving[at] then
    local ended_us, id = string.match(serving[at], '^(%d+) (.+)$')
    ended_us = tonumber(ended_us)
    local reply = ended_us >= newest_us and existing('REUSED', id, 'answer')
    if reply then
      newest_us, newest = ended_us, reply
    end
  end
end
if newest and not is_redo then
  return serve(newest)
end
local unknown = unsettled and repeat_allowed == '0' and existing('REUSED', unsettled, 'answer')
if unknown and not is_redo then
  return serve(unknown)
end
if ARGV[6] == '1' and not is_redo then
  return {'FULL'}
end
if is_settling and not is_redo then
  return {'SETTLING'}
end

local intent = ARGV[11] and intent_of(ARGV[11], ARGV[12], 10)
if intent then
  -- Whoever sent it that long ago calls no more.
  local is_late = now > tonumber(intent.opened_us) + tonumber(lease_us)
  if is_late or refusal(intent, job) then
    return {'REFUSED'}
  end
end

-- From here on everything is written.
local is_public = ARGV[9] ~= ''
local version = intent and 2 or 1
local deed = count_deeds(version, is_public and KEYS[7], feed_kept_min, job)
local claims, lease_until = 0, 0
if lease_us ~= '0' and (safe_for == 0 or is_redo) then
  claims, lease_until = 1, now + tonumber(lease_us)
end
local stalled = intent and 0 or claims
redis.call('HSET', KEYS[3], 'record', ARGV[4], 'state', text_of({version = version, fence = claims, stalled = stalled,
  sequence = sequence, lease_until = lease_until, wake = '0', format = format, base = '0', under = own_reign,
  op = intent and ARGV[13] or '-'}), 'dedupe', ARGV[8], 'subject', ARGV[5])
if not attached then
  redis.call('HSET', KEYS[4], 'live', job)
end
redis.call('ZADD', KEYS[5], int(math.max(now, lease_until)), job)
if is_public then
  redis.call('ZADD', KEYS[6], 0, ARGV[9])
end
if intent then
  write_row(intent, 'open', job, KEYS[9])
  take_unit(intent, 'open')
end
redis.call('PUBLISH', ARGV[7], is_redo and job or job .. ' new')
return {'STARTED', int(version), claims == 1 and '1' or false, int(stalled), deed}
