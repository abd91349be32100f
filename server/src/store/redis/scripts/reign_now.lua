-- A reign is the time for which one server is the master without a break: Redis names it anew with every start, failover and
-- promotion. Asked of the server itself, in the script that depends on it, so that no client's belief can be out of date.
local function reign_now()
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%w+)') or 'untold'
end
