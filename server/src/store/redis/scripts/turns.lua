-- The turns before a gate: the same rules as `Queue` in domain/gate/queue.rs and domain/gate/pace.rs, in microseconds.
--
-- KEYS  2 gate, 3 places, 4 called, 5 waiting, 6 expected

-- Most turns that are forgotten at a time: Redis serves nobody else meanwhile, and the next call goes on.
local FORGOTTEN_MAX = 1000

local function forget_absent(limits, now)
  local absent = redis.call('ZRANGE', KEYS[6], '-inf', int(now - limits.absence_us), 'BYSCORE', 'LIMIT', 0, FORGOTTEN_MAX)
  if #absent > 0 then
    for key = 4, 6 do
      redis.call('ZREM', KEYS[key], unpack(absent))
    end
  end
end

-- Turns are worth nothing once nobody is expected any more.
local function keep_turns(limits)
  for key = 4, 6 do
    redis.call('PEXPIRE', KEYS[key], int(limits.turns_kept_us / 1000))
  end
end

local function free_places(limits)
  if limits.in_flight_max == 0 then
    return math.huge
  end
  return math.max(0, limits.in_flight_max - redis.call('ZCARD', KEYS[3]))
end

-- When the rate allows a call that so many others go before.
local function slot_in(limits, ahead, now)
  local interval = limits.rate_interval_us
  if not interval then
    return 0
  end
  local taken = math.max(0, tonumber(redis.call('HGET', KEYS[2], 'next_at') or '0') - now)
  return math.max(0, taken + interval * ahead - interval * (math.max(limits.rate_burst, 1) - 1))
end

local function appointment(limits, now, wait_us)
  if wait_us > limits.wait_max_us then
    wait_us = limits.wait_max_us / 2 + wait_us % (limits.wait_max_us / 2)
  end
  local at = now + wait_us
  return math.max(at - at % limits.round_us, now + limits.wait_min_us)
end
