-- Remembers which job a request id was answered with: the first stands, one that is said later changes nothing. A request id
-- that has expired meanwhile stays gone.
--
-- KEYS  1 epoch, 2 request
-- ARGV  1 epoch, 2 job
-- Answers {'SETTLED', job that it is answered with}
local job, settled = unpack(redis.call('HMGET', KEYS[2], 'job', 'settled'))
if not job then
  return {'SETTLED', ARGV[2]}
end
if settled ~= '1' then
  job = ARGV[2]
end
redis.call('HSET', KEYS[2], 'job', job, 'settled', '1')
return {'SETTLED', job}
