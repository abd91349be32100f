-- Takes back what a claim counted: its record could not be read, and must not look stalled to a replica that can read it.
--
-- KEYS  1 epoch, 2 job
-- ARGV  1 epoch, 2 fence of the claim
-- Answers {'UNCOUNTED'}
if redis.call('HGET', KEYS[2], 'fence') == ARGV[2] then
  redis.call('HINCRBY', KEYS[2], 'stalled', -1)
end
return {'UNCOUNTED'}
