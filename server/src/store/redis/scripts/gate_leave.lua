-- Leaves a place, tells the breaker how the call went, and calls whoever is next: the same rules as `Gate::leave` in
-- domain/gate.rs.
--
-- KEYS  1 epoch, 2 gate, 3 places, 4 called, 5 waiting (score = since when), 6 expected (score = when)
-- ARGV  1 epoch, 2 intent, 3 limits (JSON, `Limits` in gates.rs),
--       4 'good' | 'bad' | 'credentials_refused' | 'contract_changed' | 'unused'
-- Answers {'LEFT', then for each job that is called: job, within how many microseconds it is to come}
local limits = cjson.decode(ARGV[3])
local report = ARGV[4]
if redis.call('ZREM', KEYS[3], ARGV[2]) == 0 then
  return {'LEFT'}
end
local now = now_us()
local probe, last = unpack(redis.call('HMGET', KEYS[2], 'probe', 'last'))
local was_probe = probe == ARGV[2]
if was_probe then
  redis.call('HDEL', KEYS[2], 'probe')
end
if report == 'unused' then
  -- Only the last call can give its interval back: after another that is promised already.
  local next_at = redis.call('HGET', KEYS[2], 'next_at')
  if next_at and last == ARGV[2] and limits.rate_interval_us then
    redis.call('HSET', KEYS[2], 'next_at', int(tonumber(next_at) - limits.rate_interval_us))
    redis.call('HDEL', KEYS[2], 'last')
  end
elseif report == 'good' then
  redis.call('HDEL', KEYS[2], 'credentials_refused', 'contract_changed')
elseif report == 'credentials_refused' or report == 'contract_changed' then
  redis.call('HSET', KEYS[2], report, '1')
end
if report == 'bad' or report == 'credentials_refused' then
  local failures = redis.call('HINCRBY', KEYS[2], 'failures', 1)
  if limits.breaker_failures > 0 and (was_probe or failures >= limits.breaker_failures) then
    redis.call('HSET', KEYS[2], 'open_until', int(now + limits.breaker_open_us))
  end
elseif report ~= 'unused' then
  redis.call('HDEL', KEYS[2], 'failures', 'open_until')
end

local answer = {'LEFT'}
if limits.in_flight_max == 0 or redis.call('HEXISTS', KEYS[2], 'open_until') == 1 then
  return answer
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', int(now))
forget_absent(limits, now)
local room = math.min(free_places(limits) - redis.call('ZCARD', KEYS[4]), limits.calls_max)
for _ = 1, room do
  local job, since = unpack(redis.call('ZPOPMIN', KEYS[5]))
  if not job then
    break
  end
  redis.call('ZADD', KEYS[4], since, job)
  local slot_us = slot_in(limits, redis.call('ZRANK', KEYS[4], job), now)
  local come_at = slot_us <= limits.early_max_us and now or appointment(limits, now, slot_us - limits.early_us)
  redis.call('ZADD', KEYS[6], 'XX', 'LT', int(come_at), job)
  answer[#answer + 1] = job
  answer[#answer + 1] = int(come_at - now)
end
if #answer > 1 then
  keep_turns(limits)
end
return answer
