-- Takes a place at a provider, or a turn: the same rules as `Gate::enter` in domain/gate.rs, in microseconds.
--
-- KEYS  1 epoch, 2 gate, 3 places (score = until when), 4 called, 5 waiting (score = since when), 6 expected (score = when)
-- ARGV  1 epoch, 2 intent, 3 limits (JSON, `Limits` in gates.rs), 4 hold in microseconds,
--       5 job, 6 since when it waits or '' when it comes for the first time, 7 until when it does
-- Answers {'GRANTED', microseconds until the call may begin}
--         {'DENIED', 'breaker' | 'in_flight' | 'rate', microseconds to wait}
local limits = cjson.decode(ARGV[3])
local hold, job = tonumber(ARGV[4]), ARGV[5]
local now = now_us()

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', int(now))
forget_absent(limits, now)
local held_until = redis.call('ZSCORE', KEYS[3], ARGV[2])
if held_until then
  return {'GRANTED', int(math.max(0, tonumber(held_until) - hold - now))}
end

local function forget()
  for key = 4, 6 do
    redis.call('ZREM', KEYS[key], job)
  end
end

local open_until, probe = unpack(redis.call('HMGET', KEYS[2], 'open_until', 'probe'))
if open_until and limits.breaker_failures > 0 then
  local probe_until = probe and redis.call('ZSCORE', KEYS[3], probe)
  local wait_us = tonumber(open_until) - now
  if wait_us <= 0 and probe_until then
    wait_us = math.max(limits.wait_min_us, math.min(tonumber(probe_until) - now, limits.breaker_open_us))
  end
  if wait_us > 0 then
    forget()
    return {'DENIED', 'breaker', int(math.max(wait_us, limits.wait_min_us))}
  end
end

-- Turns before this one. Redis tells the rank only of what is in a set, so that the job is put there for a moment.
local ahead = 0
local since = ARGV[6] ~= '' and ARGV[6] or int(now)
if redis.call('EXISTS', KEYS[6]) == 1 then
  local was_called = redis.call('ZSCORE', KEYS[4], job)
  since = was_called or redis.call('ZSCORE', KEYS[5], job) or since
  redis.call('ZADD', KEYS[4], since, job)
  ahead = redis.call('ZRANK', KEYS[4], job)
  if not was_called then
    redis.call('ZREM', KEYS[4], job)
    redis.call('ZADD', KEYS[5], since, job)
    ahead = ahead + redis.call('ZRANK', KEYS[5], job)
  end
end
local free = free_places(limits)
local slot_us = slot_in(limits, ahead, now)

if ahead < free and slot_us <= limits.early_max_us then
  local start_us = slot_in(limits, 0, now)
  forget()
  if open_until then
    redis.call('HSET', KEYS[2], 'probe', ARGV[2])
  end
  if limits.rate_interval_us then
    local from = math.max(tonumber(redis.call('HGET', KEYS[2], 'next_at') or '0'), now)
    redis.call('HSET', KEYS[2], 'next_at', int(from + limits.rate_interval_us), 'last', ARGV[2])
  end
  redis.call('ZADD', KEYS[3], int(now + start_us + hold), ARGV[2])
  return {'GRANTED', int(start_us)}
end

local why, wait_us = 'rate', math.max(0, slot_us - limits.early_us)
if ahead >= free then
  why = 'in_flight'
  wait_us = math.max(wait_us, limits.call_lost_first_us + limits.call_lost_step_us * (ahead - free))
end
local come_at = appointment(limits, now, wait_us)
forget()
if redis.call('ZCARD', KEYS[6]) < limits.turns_max then
  redis.call('ZADD', ahead < free and KEYS[4] or KEYS[5], since, job)
  redis.call('ZADD', KEYS[6], int(math.min(come_at, tonumber(ARGV[7]) - limits.absence_us)), job)
  keep_turns(limits)
end
return {'DENIED', why, int(come_at - now)}
