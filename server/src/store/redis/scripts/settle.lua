-- Remembers which job a request id was answered with. One that has expired meanwhile stays gone.
--
-- KEYS  1 epoch, 2 request
-- ARGV  1 epoch, 2 job
-- Answers {'SETTLED'}
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], 'job', ARGV[2], 'settled', '1')
end
return {'SETTLED'}
