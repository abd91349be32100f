-- Follows the prelude in every script that moves jobs. What was acknowledged may be missing under a new reign, so nothing moves
-- until a replica of ours has put back what it remembers and has taken that reign on record (adopt.lua).
--
-- KEYS[2] is the record of the shard's reign; ARGV[2] says how the script is meant:
--   do:REIGN:REIGN     under the reign that the caller has last looked at
--   redo:REIGN:OWN     put back what was acknowledged under the reign OWN, where it fits
--   force:REIGN:OWN    the same, though what came in between is missing: nobody is left who remembers it
local reign = reign_now()
local mode, believed, own_reign = string.match(ARGV[2], '^(%w+):(%w*):(%w*)$')
local known, safe_until, settled_at, deeds, fed = unpack(
  redis.call('HMGET', KEYS[2], 'id', 'safe_until', 'settled_at', 'deeds', 'fed'))
if believed ~= reign or (mode == 'do' and known ~= reign) then
  return {'OTHER_REIGN', reign}
end
local now = now_us()
-- Until then replicas may still find out what is missing, and no billed call is begun.
local safe_for = math.max(0, tonumber(safe_until or '0') - now)
-- Until then a job that is missing would be begun a second time by whoever asks for the same person.
local is_settling = tonumber(settled_at or '0') > now

-- A shard numbers what it acknowledges. So a master that lacks some of it can be told how much, also when nobody who remembers it
-- is left: what was acknowledged (adopt.lua) less what the master began with and what was put back.
if mode ~= 'do' and redis.call('HGET', KEYS[2], 'counted_under') ~= reign then
  redis.call('HSET', KEYS[2], 'counted_under', reign, 'inherited', deeds or '0', 'acknowledged', deeds or '0', 'recovered', '0')
end

-- Old entries go a hundred at a time (`FEED_LUMP_MAX`), which costs less than to drop one with each new one.
local function append(feed, kept_min, job)
  fed = int(tonumber(fed or '0') + 1)
  if string.sub(fed, -2) == '00' then
    redis.call('XADD', feed, 'MAXLEN', kept_min, fed .. '-0', 'job', job)
  else
    redis.call('XADD', feed, fed .. '-0', 'job', job)
  end
end

-- Counts what the calling script does, and the steps before it that it holds in itself; answers the number of the newest. `feed` is
-- the key of the feed that tells of it, if one does: its entries are numbered without a gap, beside the deeds, since it takes longer
-- to ask the stream for its last one.
local function count_deeds(count, feed, kept_min, job)
  if feed then
    append(feed, kept_min, job)
  end
  if mode == 'do' then
    deeds = int(tonumber(deeds or '0') + count)
    redis.call('HSET', KEYS[2], 'deeds', deeds, 'fed', fed or '0')
    return deeds
  end
  if feed then
    redis.call('HSET', KEYS[2], 'fed', fed)
  end
  return int(redis.call('HINCRBY', KEYS[2], 'recovered', count))
end

-- Whether a job's history holds its version that came under a reign. `base` is the version with which the last reign that moved
-- the job found it.
local function holds(state, version, under)
  return state and tonumber(state.under == under and state.version or state.base) >= version
end
