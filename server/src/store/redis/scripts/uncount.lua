-- Takes back what a claim counted: its record could not be read, and must not look stalled to a replica that can read it.
--
-- KEYS  1 epoch, 2 job
-- ARGV  1 epoch, 2 fence of the claim
-- Answers {'UNCOUNTED'}
local state = state_of(redis.call('HGET', KEYS[2], 'state'))
if state and state.fence == tonumber(ARGV[2]) then
  state.stalled = state.stalled - 1
  redis.call('HSET', KEYS[2], 'state', text_of(state))
end
return {'UNCOUNTED'}
