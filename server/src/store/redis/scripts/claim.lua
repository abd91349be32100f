-- Leases up to `max` due jobs of one shard, the longest due first. With max = 0 it only tells what is due.
--
-- KEYS  1 epoch, 2 reign, 3 due set; beyond these only the jobs of the same slot that the due set names
-- ARGV  1 epoch, 2 reign, 3 max, 4 lease in microseconds, 5 prefix of job keys, 6 format of the records that the caller reads
-- Answers {'CLAIMED', number still due, microseconds until the next is or false, {id, record or false, version, fence, stalled} ...}
if safe_for > 0 then
  return {'CLAIMED', '0', int(safe_for)}
end
local now = now_us()
local max, lease_us = tonumber(ARGV[3]), tonumber(ARGV[4])
local claims = {}
local due = max > 0 and redis.call('ZRANGE', KEYS[3], '-inf', int(now), 'BYSCORE', 'LIMIT', 0, max) or {}
for _, id in ipairs(due) do
  redis.call('EXISTS', ARGV[5] .. id) -- Cut off here, before the first write, if the slot is on its way to another node.
end
for _, id in ipairs(due) do
  local key = ARGV[5] .. id
  local lease_until = int(now + lease_us)
  local record, version, format = unpack(redis.call('HMGET', key, 'record', 'version', 'format'))
  if record and format == ARGV[6] then
    local fence = redis.call('HINCRBY', key, 'fence', 1)
    local stalled = redis.call('HINCRBY', key, 'stalled', 1)
    redis.call('HSET', key, 'lease_until', lease_until)
    redis.call('HDEL', key, 'wake')
    claims[#claims + 1] = {id, record, version, int(fence), int(stalled)}
  else
    -- Not counted as a claim: a replica that cannot read a record must not make the job look stalled to one that can.
    claims[#claims + 1] = {id, false}
  end
  redis.call('ZADD', KEYS[3], lease_until, id)
end
local left = redis.call('ZCOUNT', KEYS[3], '-inf', int(now))
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
return {'CLAIMED', int(left), first[2] and int(math.max(0, tonumber(first[2]) - now)) or false, unpack(claims)}
