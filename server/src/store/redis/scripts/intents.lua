-- What an intent asks of the ledger, and what it writes there: for the scripts that record one.
--
-- An intent is told in two arguments: words (intent, opened at (microseconds), such an age of a paid charge does not stand in the
-- way, '1' with leave to repeat, most charges of the person's day or '-', milliseconds to keep that count), and the row (`row_of` in
-- intents.rs). Its keys are at `charge`: charge, unit, index of charges; and, when the day is counted, the person's count of it.

-- A unit stands as '<intent> <charge> <since when, in microseconds>', and belongs to the newest charge that may have been made.
local function unit_of(unit)
  local taken_by, charge, at = string.match(redis.call('GET', unit) or '', '^(%S+) (%S+) (%d+)$')
  return taken_by, charge, tonumber(at)
end

local function intent_of(words, row, at)
  local intent, opened_us, fresh_after_us, may_repeat, day_max, day_keep_ms = string.match(
    words, '^(%S+) (%S+) (%S+) (%d) (%S+) (%d+)$')
  day_max = tonumber(day_max)
  return {name = intent, opened_us = opened_us, fresh_after_us = tonumber(fresh_after_us), may_repeat = may_repeat == '1', row = row,
    charge = KEYS[at], unit = KEYS[at + 1], index = KEYS[at + 2], day = KEYS[at + 3], day_max = day_max, day_keep_ms = day_keep_ms,
    day_count = day_max and tonumber(redis.call('GET', KEYS[at + 3]) or '0')}
end

-- Why an intent cannot be had, in the words of the script that commits one; nil = it can.
local function refusal(intent, job)
  if safe_for > 0 then
    return {'POSTPONED', int(safe_for)}
  end
  local holder, charge, at = unit_of(intent.unit)
  local waived = charge == 'unknown' and intent.may_repeat
  if waived then
    -- Leave is given once: what this job has spent it on, and a failover made it forget, blocks as ever.
    local charge_prefix = string.sub(intent.charge, 1, -#intent.name - 1)
    waived = redis.call('HGET', charge_prefix .. holder, 'job') ~= job
  end
  local taken = charge == 'open' or (charge == 'unknown' and not waived) or (charge == 'yes' and at > intent.fresh_after_us)
  if taken then
    return {'UNIT_TAKEN', charge}
  end
  if intent.day_max and intent.day_count >= intent.day_max then
    return {'PERSON_DAY_FULL'}
  end
end

-- Writes the row of an intent and its name among the job's. The unit is for `take_unit`.
local function write_row(intent, charge, job, names)
  local tenant, provider, step, opened_at, person, day, case = string.match(
    intent.row, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
  local row = {'charge', charge, 'job', job, 'tenant', tenant, 'provider', provider, 'step', step, 'opened_at', opened_at,
    'person', person}
  if case ~= '' then
    row[#row + 1] = 'case'
    row[#row + 1] = case
  end
  if intent.day_count then
    row[#row + 1] = 'day'
    row[#row + 1] = day
    redis.call('SET', intent.day, int(intent.day_count + 1), 'PX', intent.day_keep_ms)
  end
  redis.call('HSET', intent.charge, unpack(row))
  redis.call('ZADD', intent.index, 0, intent.name)
  redis.call('APPEND', names, intent.name .. ' ')
end

local function take_unit(intent, charge)
  redis.call('SET', intent.unit, intent.name .. ' ' .. charge .. ' ' .. intent.opened_us)
end
