-- Leases up to `max` due jobs of one shard, the longest due first. With max = 0 it only tells what is due.
--
-- KEYS  1 epoch, 2 reign, 3 due set; beyond these only the jobs of the same slot that the due set names
-- ARGV  1 epoch, 2 reign, 3 max, 4 lease in microseconds, 5 prefix of job keys, 6 format of the records that the caller reads
-- Answers {'CLAIMED', number still due, microseconds until the next is or false, {id, record or false, version, fence, stalled} ...}
if safe_for > 0 then
  return {'CLAIMED', '0', int(safe_for)}
end
local max, lease_until = tonumber(ARGV[3]), now + tonumber(ARGV[4])
local claims = {}
local due = max > 0 and redis.call('ZRANGE', KEYS[3], '-inf', int(now), 'BYSCORE', 'LIMIT', 0, max) or {}
for _, id in ipairs(due) do
  redis.call('EXISTS', ARGV[5] .. id) -- Cut off here, before the first write, if the slot is on its way to another node.
end
for _, id in ipairs(due) do
  local key = ARGV[5] .. id
  local record, text = unpack(redis.call('HMGET', key, 'record', 'state'))
  local state = state_of(text)
  if record and state and state.format == ARGV[6] then
    state.fence, state.stalled, state.lease_until, state.wake = state.fence + 1, state.stalled + 1, lease_until, '0'
    redis.call('HSET', key, 'state', text_of(state))
    claims[#claims + 1] = {id, record, int(state.version), int(state.fence), int(state.stalled)}
  else
    -- Not counted as a claim: a replica that cannot read a record must not make the job look stalled to one that can.
    claims[#claims + 1] = {id, false}
  end
  redis.call('ZADD', KEYS[3], int(lease_until), id)
end
local left = redis.call('ZCOUNT', KEYS[3], '-inf', int(now))
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
return {'CLAIMED', int(left), first[2] and int(math.max(0, tonumber(first[2]) - now)) or false, unpack(claims)}
