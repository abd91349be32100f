-- Commits a transition as a whole, or says why not and changes nothing. Everything is checked before the first write,
-- because Lua does not roll back.
--
-- KEYS  1 epoch, 2 reign, 3 job, 4 sealed record, 5 due set, 6 feed, 7 set of ended jobs, 8 set of the job's charges;
--       when the ledger changes by an intent: 9 charge, 10 unit, 11 index of charges;
--       when the day is counted: 12 the person's count of it
--       Beyond these only keys of the same slot: the job's own dedupe record, its dependents, and units and counts that its
--       charges name.
-- ARGV  1 epoch, 2 reign, 3 plan (JSON, `CommitPlan` in commit.rs), 4 the job's record, 5 sealed answer
-- Answers {'DONE', version, fence or false, stalled, deed}   fence when the lease was held on to; deed is its number, or a later one
--         {'CONFLICT'}  {'UNIT_TAKEN', charge}  {'PERSON_DAY_FULL'}
--         {'POSTPONED', microseconds until an intent can be had}
--         to a redo {'THERE'}  {'GAP'}   what came before is missing too
--         {'PUT_BACK', '1' when another intent has the unit}
--         {'LEDGER', the same}   the job is gone or has gone on without; only the charge is put back, as unknown
--         {'OVERTAKEN'}   the job has gone on without, and lacks nothing
local plan = cjson.decode(ARGV[3])
local now = now_us()
local is_redo = mode ~= 'do'

local version, fence, stalled, op, sequence, dedupe, wake, lease_until, under, base = unpack(
  redis.call('HMGET', KEYS[3], 'version', 'fence', 'stalled', 'op', 'sequence', 'dedupe', 'wake', 'lease_until', 'reign', 'base'))
if not version and not is_redo then
  return {'CONFLICT'}
end
if is_redo and (op == plan.op or holds(version, under, base, plan.expected_version + 1, own_reign)) then
  return {'THERE'}
end
version, fence, stalled, sequence = tonumber(version), tonumber(fence), tonumber(stalled), tonumber(sequence)
local fence_holds = not plan.fence or plan.fence == fence
-- A job that was moved under this reign already has a history without the version that is put back.
local fits = version and under ~= reign and version <= plan.expected_version
if mode == 'redo' and (not version or (fits and version < plan.expected_version)) then
  return {'GAP'}
end

local function hold()
  local lease_until = int(now + plan.hold_us)
  redis.call('HSET', KEYS[3], 'lease_until', lease_until)
  redis.call('ZADD', KEYS[5], lease_until, plan.job)
end

if op == plan.op and not is_redo then
  -- Applied before. A lease that it held is held on, unless somebody else has claimed the job or it was given back: whoever
  -- has a lease in hand sends the billed request.
  redis.call('HSET', KEYS[3], 'op', op) -- Written as it is, so that replicas that are waited for have it.
  local deeds = redis.call('HGET', KEYS[2], 'deeds') or '0'
  if plan.due ~= 'held' then
    return {'DONE', int(version), false, int(stalled), deeds}
  end
  if not fence_holds or lease_until == '0' then
    return {'CONFLICT'}
  end
  hold()
  return {'DONE', int(version), int(fence), int(stalled), deeds}
end
if not is_redo and (version ~= plan.expected_version or not fence_holds) then
  return {'CONFLICT'}
end

local ledger = plan.ledger or {}
if ledger.kind == 'open' and not is_redo then
  if safe_for > 0 then
    return {'POSTPONED', int(safe_for)}
  end
  local charge, at, holder = unpack(redis.call('HMGET', KEYS[10], 'charge', 'at', 'intent'))
  local waived = charge == 'unknown' and ledger.repeat_allowed
  if waived then
    -- Leave is given once: what this job has spent it on, and a failover made it forget, blocks as ever.
    local row = string.sub(KEYS[9], 1, -1 - #ledger.intent) .. holder
    waived = redis.call('HGET', row, 'job') ~= plan.job
  end
  local taken = charge == 'open'
    or (charge == 'unknown' and not waived)
    or (charge == 'yes' and tonumber(at) > ledger.fresh_after_us)
  if taken then
    return {'UNIT_TAKEN', charge}
  end
  if ledger.person_day_max and tonumber(redis.call('GET', KEYS[12]) or '0') >= ledger.person_day_max then
    return {'PERSON_DAY_FULL'}
  end
end

-- A slot that is on its way to another node has only some of its keys here, and Redis cuts a script off at the first that is
-- missing. So every key that could not be declared is looked at before the first write.
local function is_here(key)
  redis.call('EXISTS', key)
end
if plan.ending and dedupe then
  is_here(dedupe)
end
if plan.due == 'never' then
  for _, dependent in ipairs(plan.dependents) do
    is_here(plan.job_prefix .. dependent)
  end
end
local rows = ledger.kind == 'resolve' and redis.call('SMEMBERS', KEYS[8]) or {ledger.kind == 'settle' and KEYS[9] or nil}
for _, row in ipairs(rows) do
  for _, key in ipairs(redis.call('HMGET', row, 'unit', 'day')) do
    if key then
      is_here(key)
    end
  end
end

-- From here on everything is written.

local function free_or_mark(unit, intent, charge, at_us, free)
  if redis.call('HGET', unit, 'intent') ~= intent then
    return
  end
  if free then
    redis.call('DEL', unit)
  else
    redis.call('HSET', unit, 'charge', charge, 'at', int(at_us))
  end
end

-- Writes what is known of a charge into its row, and takes it out of the person's count of the day when it was none.
local function settle(row, charge)
  local before, day = unpack(redis.call('HMGET', row, 'charge', 'day'))
  redis.call('HSET', row, 'charge', charge, 'settled_at', ledger.settled_at)
  if day and charge == 'no' and before ~= 'no' and tonumber(redis.call('GET', day) or '0') > 0 then
    redis.call('DECR', day)
  end
end

local is_double = false

-- The row of an intent, and its unit. What is put back does not take the unit from a newer intent: that one may have been paid.
local function open(charge)
  local row = {'id', ledger.intent, 'job', plan.job, 'tenant', ledger.tenant, 'provider', ledger.provider, 'step', ledger.step,
    'charge', charge, 'opened_at', ledger.opened_at, 'unit', KEYS[10]}
  if ledger.person_day_max then
    row[#row + 1] = 'day'
    row[#row + 1] = KEYS[12]
    redis.call('INCR', KEYS[12])
    redis.call('PEXPIRE', KEYS[12], int(ledger.person_day_keep_ms))
  end
  redis.call('HSET', KEYS[9], unpack(row))
  redis.call('ZADD', KEYS[11], 0, ledger.intent)
  redis.call('SADD', KEYS[8], KEYS[9])
  if is_redo then
    local taken_by, at = unpack(redis.call('HMGET', KEYS[10], 'intent', 'at'))
    is_double = taken_by and taken_by ~= ledger.intent and tonumber(at) > ledger.opened_us
  end
  if not is_double then
    redis.call('HSET', KEYS[10], 'intent', ledger.intent, 'charge', charge, 'at', int(ledger.opened_us))
  end
end

if is_redo and (ledger.kind == 'open' or ledger.kind == 'settle') and redis.call('EXISTS', KEYS[9]) == 0 then
  open((ledger.kind == 'open' and fits) and 'open' or 'unknown')
elseif ledger.kind == 'open' and not is_redo then
  open('open')
end
if ledger.kind == 'settle' then
  -- Only the reference is noted while the charge stays open, and "unknown" never takes back what is known.
  local before = redis.call('HGET', KEYS[9], 'charge')
  local known = before == 'yes' or before == 'no'
  local takes_back = known and (ledger.charge == 'open' or ledger.charge == 'unknown')
  if before and not takes_back then
    if ledger.reference then
      redis.call('HSET', KEYS[9], 'reference', ledger.reference)
    end
    if ledger.charge ~= 'open' then
      settle(KEYS[9], ledger.charge)
      redis.call('HSET', KEYS[9], 'class', ledger.class, 'late', ledger.late and '1' or '0')
      if ledger.provider_code then
        redis.call('HSET', KEYS[9], 'provider_code', ledger.provider_code)
      end
      free_or_mark(KEYS[10], ledger.intent, ledger.charge, ledger.settled_us, ledger.charge == 'no')
    end
  end
elseif ledger.kind == 'resolve' then
  local lost = {}
  for _, intent in ipairs(ledger.lost) do
    lost[intent] = true
  end
  for _, row in ipairs(rows) do
    local charge, unit, intent = unpack(redis.call('HMGET', row, 'charge', 'unit', 'id'))
    if charge == 'unknown' then
      settle(row, ledger.charge)
      redis.call('HSET', row, 'note', ledger.note)
      free_or_mark(unit, intent, ledger.charge, ledger.settled_us, true)
    elseif charge == 'yes' and lost[intent] then
      -- Paid for, but nobody holds the answer: it must not stand in the way of the next one.
      free_or_mark(unit, intent, charge, ledger.settled_us, true)
    end
  end
end

-- Who puts back without what came before jumps over it: that is in the job's record from now on, and found to be there.
local deed = count_deeds(fits and int(plan.expected_version + 1 - version) or 1)
if is_redo and not fits then
  redis.call('PUBLISH', plan.bell, plan.job)
  -- What ended nothing and is no caller's wish was promised to nobody: the money that it moved is settled above, and a job that is
  -- there and took another step lacks nothing.
  local is_wish = not plan.fence and ledger.kind ~= 'settle'
  if version and not is_wish and ledger.kind ~= 'open' and not plan.has_ended then
    return {'OVERTAKEN'}
  end
  return {'LEDGER', is_double and '1' or '0'}
end

if under ~= own_reign then
  redis.call('HSET', KEYS[3], 'reign', own_reign, 'base', int(version))
end
if is_redo then
  fence = math.max(fence, plan.fence or 0)
  redis.call('HSET', KEYS[3], 'fence', int(fence))
end
version = plan.expected_version + 1
if plan.due ~= 'unchanged' or plan.sequence > sequence then
  stalled = 0
end
redis.call('HSET', KEYS[3], 'record', ARGV[4], 'format', plan.format, 'version', int(version), 'op', plan.op,
  'sequence', int(plan.sequence), 'stalled', int(stalled))
if plan.has_answer then
  redis.call('HSET', KEYS[4], 'answer', ARGV[5])
end

if plan.due == 'held' then
  hold()
elseif plan.due == 'at' then
  local due_us = plan.due_us
  if wake then
    -- A job that this one waits for has ended meanwhile.
    due_us = math.min(due_us, now)
    redis.call('HDEL', KEYS[3], 'wake')
  end
  redis.call('HSET', KEYS[3], 'lease_until', '0')
  redis.call('ZADD', KEYS[5], int(due_us), plan.job)
elseif plan.due == 'never' then
  redis.call('HSET', KEYS[3], 'lease_until', '0')
  redis.call('HDEL', KEYS[3], 'wake')
  redis.call('ZREM', KEYS[5], plan.job)
  for _, dependent in ipairs(plan.dependents) do
    local due_us = redis.call('ZSCORE', KEYS[5], dependent)
    local dependent_key = plan.job_prefix .. dependent
    if due_us and tonumber(redis.call('HGET', dependent_key, 'lease_until') or '0') > now then
      redis.call('HSET', dependent_key, 'wake', '1')
    elseif due_us and tonumber(due_us) > now then
      redis.call('ZADD', KEYS[5], int(now), dependent)
    end
  end
end

if plan.has_ended then
  -- Also a job that the purge had set aside until it is settled.
  redis.call('ZADD', KEYS[7], int(plan.ended_us), plan.job)
end
if plan.ending then
  for _, field in ipairs({'live', 'unsettled'}) do
    if redis.call('HGET', dedupe, field) == plan.job then
      redis.call('HDEL', dedupe, field)
    end
  end
  if plan.ending == 'answer' then
    -- A late word on an old job must not hide a newer answer.
    local field = 'answer:' .. plan.answer_of
    local newest_us = string.match(redis.call('HGET', dedupe, field) or '0', '^%d+')
    if tonumber(newest_us) <= plan.ended_us then
      redis.call('HSET', dedupe, field, int(plan.ended_us) .. ' ' .. plan.job)
    end
  elseif plan.ending == 'until_settled' then
    redis.call('HSET', dedupe, 'unsettled', plan.job)
  end
end

if plan.public and plan.sequence > sequence then
  local last = redis.call('XREVRANGE', KEYS[6], '+', '-', 'COUNT', 1)[1]
  local number = last and tonumber(string.match(last[1], '^%d+')) or 0
  redis.call('XADD', KEYS[6], 'MAXLEN', int(plan.feed_kept_max), int(number + 1) .. '-0', 'job', plan.job)
end
redis.call('PUBLISH', plan.bell, is_redo and plan.job or plan.job .. ' ' .. plan.op) -- Who puts back must look, too.
if is_redo then
  return {'PUT_BACK', is_double and '1' or '0'}
end
return {'DONE', int(version), plan.due == 'held' and int(fence) or false, int(stalled), deed}
