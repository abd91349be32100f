-- Follows the prelude in every script that moves jobs. What was acknowledged may be missing under a new reign, so nothing moves
-- until a replica of ours has put back what it remembers and has taken that reign on record (adopt.lua).
--
-- KEYS[2] is the record of the shard's reign; ARGV[2] says how the script is meant:
--   do:REIGN:REIGN     under the reign that the caller has last looked at
--   redo:REIGN:OWN     put back what was acknowledged under the reign OWN, where it fits
--   force:REIGN:OWN    the same, though what came in between is missing: nobody is left who remembers it
local reign = reign_now()
local mode, believed, own_reign = string.match(ARGV[2], '^(%w+):(%w*):(%w*)$')
local known, safe_until, settled_at = unpack(redis.call('HMGET', KEYS[2], 'id', 'safe_until', 'settled_at'))
if believed ~= reign or (mode == 'do' and known ~= reign) then
  return {'OTHER_REIGN', reign}
end
-- Until then replicas may still find out what is missing, and no billed call is begun.
local safe_for = math.max(0, tonumber(safe_until or '0') - now_us())
-- Until then a job that is missing would be begun a second time by whoever asks for the same person.
local is_settling = tonumber(settled_at or '0') > now_us()

-- A shard numbers what it acknowledges. So a master that lacks some of it can be told how much, also when nobody who remembers it
-- is left: what was acknowledged (adopt.lua) less what the master began with and what was put back.
if mode ~= 'do' and redis.call('HGET', KEYS[2], 'counted_under') ~= reign then
  local deeds = redis.call('HGET', KEYS[2], 'deeds') or '0'
  redis.call('HSET', KEYS[2], 'counted_under', reign, 'inherited', deeds, 'acknowledged', deeds, 'recovered', '0')
end

-- Counts what the calling script has just done, and the steps before it that it holds in itself; answers the number of the newest.
local function count_deeds(count)
  return int(redis.call('HINCRBY', KEYS[2], mode == 'do' and 'deeds' or 'recovered', count))
end

-- Whether a job's history holds its version that came under a reign. `base` is the version with which the last reign that moved
-- the job found it.
local function holds(found_version, found_reign, found_base, version, under)
  if not found_version then
    return false
  end
  return tonumber(found_reign == under and found_version or found_base or '0') >= version
end
