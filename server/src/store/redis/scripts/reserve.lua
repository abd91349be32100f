-- Binds a request id to a request and a proposed job, or tells what it was bound to.
--
-- KEYS  1 epoch, 2 request
-- ARGV  1 epoch, 2 fingerprint of the request's body, 3 proposed job, 4 milliseconds to keep it
-- Answers {'NEW'}  {'KNOWN', job, '1' when settled}  {'OTHER_REQUEST'}
local fingerprint, job, settled = unpack(redis.call('HMGET', KEYS[2], 'fingerprint', 'job', 'settled'))
if not fingerprint then
  redis.call('HSET', KEYS[2], 'fingerprint', ARGV[2], 'job', ARGV[3], 'settled', '0')
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  return {'NEW'}
end
if fingerprint ~= ARGV[2] then
  return {'OTHER_REQUEST'}
end
redis.call('HSET', KEYS[2], 'job', job) -- Written as it is, so that replicas that are waited for have it.
return {'KNOWN', job, settled}
