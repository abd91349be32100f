-- Leaves a place and tells the breaker how the call went: the same rules as `Gate::leave` in domain/gate.rs.
--
-- KEYS  1 epoch, 2 gate, 3 places
-- ARGV  1 epoch, 2 intent, 3 limits (JSON, `Limits` in gates.rs),
--       4 'good' | 'bad' | 'credentials_refused' | 'contract_changed' | 'unused'
-- Answers {'LEFT'}
local limits = cjson.decode(ARGV[3])
local report = ARGV[4]
if redis.call('ZREM', KEYS[3], ARGV[2]) == 0 then
  return {'LEFT'}
end
local was_probe = redis.call('HGET', KEYS[2], 'probe') == ARGV[2]
if was_probe then
  redis.call('HDEL', KEYS[2], 'probe')
end
if report == 'unused' then
  local next_at = redis.call('HGET', KEYS[2], 'next_at')
  if next_at and limits.rate_interval_us then
    redis.call('HSET', KEYS[2], 'next_at', int(tonumber(next_at) - limits.rate_interval_us))
  end
  return {'LEFT'}
end
if report == 'good' then
  redis.call('HDEL', KEYS[2], 'credentials_refused', 'contract_changed')
elseif report == 'credentials_refused' or report == 'contract_changed' then
  redis.call('HSET', KEYS[2], report, '1')
end
if report == 'bad' or report == 'credentials_refused' then
  local failures = redis.call('HINCRBY', KEYS[2], 'failures', 1)
  if limits.breaker_failures > 0 and (was_probe or failures >= limits.breaker_failures) then
    redis.call('HSET', KEYS[2], 'open_until', int(now_us() + limits.breaker_open_us))
  end
else
  redis.call('HDEL', KEYS[2], 'failures', 'open_until')
end
return {'LEFT'}
