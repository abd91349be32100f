-- Takes a place at a provider: the same rules as `Gate::enter` in domain/gate.rs, in microseconds.
--
-- KEYS  1 epoch, 2 gate, 3 places (score = until when)
-- ARGV  1 epoch, 2 intent, 3 limits (JSON, `Limits` in gates.rs), 4 hold in microseconds
-- Answers {'GRANTED'}  {'DENIED', 'breaker' | 'in_flight' | 'rate', microseconds to wait}
local limits = cjson.decode(ARGV[3])
local now = now_us()
local function denied(why, wait_us)
  return {'DENIED', why, int(math.max(wait_us, limits.wait_min_us))}
end

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', int(now))
if redis.call('ZSCORE', KEYS[3], ARGV[2]) then
  return {'GRANTED'}
end

local next_at, open_until, probe = unpack(redis.call('HMGET', KEYS[2], 'next_at', 'open_until', 'probe'))
if open_until and limits.breaker_failures > 0 then
  if tonumber(open_until) > now then
    return denied('breaker', tonumber(open_until) - now)
  end
  local probe_until = probe and redis.call('ZSCORE', KEYS[3], probe)
  if probe_until then
    return denied('breaker', math.min(tonumber(probe_until) - now, limits.breaker_open_us))
  end
end
if limits.in_flight_max > 0 and redis.call('ZCARD', KEYS[3]) >= limits.in_flight_max then
  return denied('in_flight', limits.in_flight_retry_us)
end
if limits.rate_interval_us and next_at then
  local allowed_at = tonumber(next_at) - limits.rate_interval_us * (math.max(limits.rate_burst, 1) - 1)
  if allowed_at > now then
    return denied('rate', allowed_at - now)
  end
end

if open_until then
  redis.call('HSET', KEYS[2], 'probe', ARGV[2])
end
if limits.rate_interval_us then
  redis.call('HSET', KEYS[2], 'next_at', int(math.max(tonumber(next_at or '0'), now) + limits.rate_interval_us))
end
redis.call('ZADD', KEYS[3], int(now + tonumber(ARGV[4])), ARGV[2])
return {'GRANTED'}
