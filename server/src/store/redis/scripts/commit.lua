-- Commits a transition as a whole, or says why not and changes nothing. Everything is checked before the first write,
-- because Lua does not roll back.
--
-- KEYS  1 epoch, 2 reign, 3 job, 4 due set, 5 feed, 6 set of ended jobs, 7 names of the job's charges;
--       when the ledger changes by an intent: 8... its keys (intents.lua), the last one when the day is counted
--       Beyond these only keys of the same slot: the job's own dedupe record, its dependents, and units and counts that its
--       charges name.
-- ARGV  1 epoch, 2 reign, 3 plan (`plan_of` in commit.rs), 4 the job's record, 5 sealed answer or '', 6 bell, 7 dependents,
--       8 prefixes of the keys of dedupe records, charges, units and counts of days, 9 what the ledger does:
--         ''         nothing
--         'open'     10, 11 the intent (intents.lua)
--         'settle'   10 words: intent, opened at, settled at, charge; 11 the row, should it have been lost; 12 words: settled at in
--                    nanoseconds, class, '1' when late; 13 reference or '', 14 the provider's code or ''
--         'resolve'  10 charge, 11 settled at, 12 the same in nanoseconds, 13 note, 14... charges for answers that nobody holds
-- Answers {'DONE', version, fence or false, stalled, deed}   fence when the lease was held on to; deed is its number, or a later one
--         {'CONFLICT'}  {'UNIT_TAKEN', charge}  {'PERSON_DAY_FULL'}
--         {'POSTPONED', microseconds until an intent can be had}
--         to a redo {'THERE'}  {'GAP'}   what came before is missing too
--         {'PUT_BACK', '1' when another intent has the unit}
--         {'LEDGER', the same}   the job is gone or has gone on without; only the charge is put back, as unknown
--         {'OVERTAKEN'}   the job has gone on without, and lacks nothing
local job, op, expected_version, plan_fence, format, plan_sequence, is_public, due, due_us, has_ended, ended_us, ending, answer_of,
  feed_kept_min = string.match(ARGV[3],
  '^(%S+) (%S+) (%d+) (%S+) (%d+) (%d+) (%d) (%a+) (%S+) (%d) (%S+) (%S+) (%S+) (%d+)$')
expected_version, plan_fence, plan_sequence = tonumber(expected_version), tonumber(plan_fence), tonumber(plan_sequence)
is_public, has_ended = is_public == '1', has_ended == '1'
local ledger = ARGV[9]
local is_redo = mode ~= 'do'
local job_prefix = string.sub(KEYS[3], 1, -#job - 1)

local text, dedupe = unpack(redis.call('HMGET', KEYS[3], 'state', 'dedupe'))
local state = state_of(text)
if not state and not is_redo then
  return {'CONFLICT'}
end
if is_redo and ((state and state.op == op) or holds(state, expected_version + 1, own_reign)) then
  return {'THERE'}
end
local fence_holds = not plan_fence or (state and plan_fence == state.fence)
-- A job that was moved under this reign already has a history without the version that is put back.
local fits = state and state.under ~= reign and state.version <= expected_version
if mode == 'redo' and (not state or (fits and state.version < expected_version)) then
  return {'GAP'}
end

if not is_redo and state.op == op then
  -- Applied before. A lease that it held is held on, unless somebody else has claimed the job or it was given back: whoever
  -- has a lease in hand sends the billed request. It is written in any case, so that replicas that are waited for have it.
  local is_held = due == 'held' and fence_holds and state.lease_until > 0
  if is_held then
    state.lease_until = now + tonumber(due_us)
    redis.call('ZADD', KEYS[4], int(state.lease_until), job)
  end
  redis.call('HSET', KEYS[3], 'state', text_of(state))
  if due == 'held' and not is_held then
    return {'CONFLICT'}
  end
  return {'DONE', int(state.version), is_held and int(state.fence) or false, int(state.stalled), deeds or '0'}
end
if not is_redo and (state.version ~= expected_version or not fence_holds) then
  return {'CONFLICT'}
end

local dedupe_prefix, charge_prefix, unit_prefix, day_prefix = string.match(ARGV[8], '^(%S+) (%S+) (%S+) (%S+)$')

local intent, settled_us, new_charge
if ledger == 'open' then
  intent = intent_of(ARGV[10], ARGV[11], 8)
  local refused = not is_redo and refusal(intent, job)
  if refused then
    return refused
  end
elseif ledger == 'settle' then
  local name, opened_us
  name, opened_us, settled_us, new_charge = string.match(ARGV[10], '^(%S+) (%S+) (%S+) (%S+)$')
  intent = {name = name, opened_us = opened_us, row = ARGV[11], charge = KEYS[8], unit = KEYS[9], index = KEYS[10]}
elseif ledger == 'resolve' then
  new_charge, settled_us = ARGV[10], ARGV[11]
end

-- A slot that is on its way to another node has only some of its keys here, and Redis cuts a script off at the first that is
-- missing. So every key that could not be declared is looked at before the first write.
local live, unsettled, answer
if ending ~= '-' and dedupe then
  dedupe = dedupe_prefix .. dedupe
  live, unsettled, answer = unpack(redis.call('HMGET', dedupe, 'live', 'unsettled', 'answer:' .. answer_of))
end
local dependents = {}
if due == 'never' and ARGV[7] ~= '' then
  for dependent in string.gmatch(ARGV[7], '%S+') do
    dependents[#dependents + 1] = {dependent, state_of(redis.call('HGET', job_prefix .. dependent, 'state'))}
  end
end

-- What a row says of its charge, who has the unit that it names, and how many the person's day counts, if that may change.
local function row_of(key, id, unit)
  local charge, person, provider, step, tenant, case, day = unpack(
    redis.call('HMGET', key, 'charge', 'person', 'provider', 'step', 'tenant', 'case', 'day'))
  local row = {key = key, id = id, charge = charge, unit = unit}
  if charge then
    row.unit = unit or unit_prefix .. table.concat({person, provider, step, tenant, case or nil}, ':')
    row.taken_by = unit_of(row.unit)
    if day and new_charge == 'no' and charge ~= 'no' then
      row.day = day_prefix .. person .. ':' .. step .. ':' .. day
      row.day_count = tonumber(redis.call('GET', row.day) or '0')
    end
  end
  return row
end
local rows = {}
if ledger == 'settle' then
  rows[1] = row_of(intent.charge, intent.name, intent.unit)
elseif ledger == 'resolve' then
  for id in string.gmatch(redis.call('GET', KEYS[7]) or '', '%S+') do
    rows[#rows + 1] = row_of(charge_prefix .. id, id)
  end
end

-- From here on everything is written.

local function mark_or_free(row, charge, at_us, is_free)
  if row.taken_by ~= row.id then
    return
  end
  if is_free then
    redis.call('DEL', row.unit)
  else
    redis.call('SET', row.unit, row.id .. ' ' .. charge .. ' ' .. at_us)
  end
end

-- Writes what is known of a charge into its row, and takes it out of the person's count of the day when it was none.
local function settle(row, changes)
  redis.call('HSET', row.key, unpack(changes))
  if row.day and row.day_count > 0 then
    redis.call('DECR', row.day)
  end
end

local is_double = false

-- The row of an intent, and its unit. What is put back does not take the unit from a newer intent: that one may have been paid.
local function open(charge)
  write_row(intent, charge, job, KEYS[7])
  if is_redo then
    local taken_by, _, at = unit_of(intent.unit)
    is_double = taken_by and taken_by ~= intent.name and at > tonumber(intent.opened_us)
  end
  if not is_double then
    take_unit(intent, charge)
  end
end

if ledger == 'open' then
  if not is_redo then
    open('open')
  elseif redis.call('EXISTS', intent.charge) == 0 then
    open(fits and 'open' or 'unknown')
  end
elseif ledger == 'settle' then
  local row = rows[1]
  if is_redo and not row.charge then
    open('unknown')
    row = row_of(intent.charge, intent.name, intent.unit)
  end
  -- Only the reference is noted while the charge stays open, and "unknown" never takes back what is known.
  local known = row.charge == 'yes' or row.charge == 'no'
  local takes_back = known and (new_charge == 'open' or new_charge == 'unknown')
  local changes = {}
  if ARGV[13] ~= '' then
    changes = {'reference', ARGV[13]}
  end
  if new_charge ~= 'open' then
    local settled_at, class, late = string.match(ARGV[12], '^(%S+) (%S+) (%d)$')
    for _, word in ipairs({'charge', new_charge, 'settled_at', settled_at, 'class', class, 'late', late}) do
      changes[#changes + 1] = word
    end
    if ARGV[14] ~= '' then
      changes[#changes + 1] = 'provider_code'
      changes[#changes + 1] = ARGV[14]
    end
  end
  if row.charge and not takes_back and #changes > 0 then
    settle(row, changes)
    if new_charge ~= 'open' then
      mark_or_free(row, new_charge, settled_us, new_charge == 'no')
    end
  end
elseif ledger == 'resolve' then
  local lost = {}
  for at = 14, #ARGV do
    lost[ARGV[at]] = true
  end
  for _, row in ipairs(rows) do
    if row.charge == 'unknown' then
      settle(row, {'charge', ARGV[10], 'settled_at', ARGV[12], 'note', ARGV[13]})
      mark_or_free(row, ARGV[10], ARGV[11], true)
    elseif row.charge == 'yes' and lost[row.id] then
      -- Paid for, but nobody holds the answer: it must not stand in the way of the next one.
      mark_or_free(row, row.charge, ARGV[11], true)
    end
  end
end

if is_redo and not fits then
  count_deeds(1)
  redis.call('PUBLISH', ARGV[6], job)
  -- What ended nothing and is no caller's wish was promised to nobody: the money that it moved is settled above, and a job that is
  -- there and took another step lacks nothing.
  local is_wish = not plan_fence and ledger ~= 'settle'
  if state and not is_wish and ledger ~= 'open' and not has_ended then
    return {'OVERTAKEN'}
  end
  return {'LEDGER', is_double and '1' or '0'}
end

-- Who puts back without what came before jumps over it: that is in the job's record from now on, and found to be there.
local is_told = is_public and plan_sequence > state.sequence
local deed = count_deeds(expected_version + 1 - state.version, is_told and KEYS[5], feed_kept_min, job)
if state.under ~= own_reign then
  state.under, state.base = own_reign, state.version
end
if is_redo then
  state.fence = math.max(state.fence, plan_fence or 0)
end
if due ~= 'unchanged' or plan_sequence > state.sequence then
  state.stalled = 0
end
state.version, state.op, state.sequence, state.format = expected_version + 1, op, plan_sequence, format
if due == 'held' then
  state.lease_until = now + tonumber(due_us)
  redis.call('ZADD', KEYS[4], int(state.lease_until), job)
elseif due == 'at' then
  -- A job that this one waits for may have ended meanwhile.
  due_us = state.wake == '1' and math.min(tonumber(due_us), now) or tonumber(due_us)
  state.lease_until, state.wake = 0, '0'
  redis.call('ZADD', KEYS[4], int(due_us), job)
elseif due == 'never' then
  state.lease_until, state.wake = 0, '0'
  redis.call('ZREM', KEYS[4], job)
  for _, dependent in ipairs(dependents) do
    local id, its = dependent[1], dependent[2]
    local its_due_us = redis.call('ZSCORE', KEYS[4], id)
    if its_due_us and its and its.lease_until > now then
      its.wake = '1'
      redis.call('HSET', job_prefix .. id, 'state', text_of(its))
    elseif its_due_us and tonumber(its_due_us) > now then
      redis.call('ZADD', KEYS[4], int(now), id)
    end
  end
end
if ARGV[5] == '' then
  redis.call('HSET', KEYS[3], 'record', ARGV[4], 'state', text_of(state))
else
  redis.call('HSET', KEYS[3], 'record', ARGV[4], 'state', text_of(state), 'answer', ARGV[5])
end

if has_ended then
  -- Also a job that the purge had set aside until it is settled.
  redis.call('ZADD', KEYS[6], ended_us, job)
end
if ending ~= '-' then
  if live == job then
    redis.call('HDEL', dedupe, 'live')
  end
  if unsettled == job and ending ~= 'until_settled' then
    redis.call('HDEL', dedupe, 'unsettled')
  end
  if ending == 'answer' then
    -- A late word on an old job must not hide a newer answer.
    local newest_us = string.match(answer or '0', '^%d+')
    if tonumber(newest_us) <= tonumber(ended_us) then
      redis.call('HSET', dedupe, 'answer:' .. answer_of, ended_us .. ' ' .. job)
    end
  elseif ending == 'until_settled' then
    redis.call('HSET', dedupe, 'unsettled', job)
  end
end
redis.call('PUBLISH', ARGV[6], is_redo and job or job .. ' ' .. op) -- Who puts back must look, too.
if is_redo then
  return {'PUT_BACK', is_double and '1' or '0'}
end
return {'DONE', int(state.version), due == 'held' and int(state.fence) or false, int(state.stalled), deed}
