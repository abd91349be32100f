-- What an operator sees of a gate: the same rules as `Gate::status` in domain/gate.rs.
--
-- KEYS  1 epoch, 2 gate, 3 places, 4 called, 5 waiting, 6 expected
-- ARGV  1 epoch
-- Answers {'STATUS', now in microseconds, open until or false, failures or false, places taken,
--          '1' or false when credentials are refused, '1' or false when the contract changed}
local now = now_us()
local open_until, failures, credentials_refused, contract_changed = unpack(
  redis.call('HMGET', KEYS[2], 'open_until', 'failures', 'credentials_refused', 'contract_changed'))
local in_flight = redis.call('ZCOUNT', KEYS[3], '(' .. int(now), '+inf')
return {'STATUS', int(now), open_until, failures, int(in_flight), credentials_refused, contract_changed}
