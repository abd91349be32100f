-- What stands beside a job's record. It is one field of the job's hash, because each field costs memory, and each look at one time:
--   version fence stalled sequence lease_until wake format base reign op
-- `wake` is 1 when a job that this one waits for has ended while it was leased; `format` is the record's; `base` and `reign` are for
-- `holds` in reigned.lua; `op` is the last operation, or '-'.
local function state_of(text)
  if not text then
    return nil
  end
  local version, fence, stalled, sequence, lease_until, wake, format, base, under, op =
    string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d) (%d+) (%d+) (%S+) (%S+)$')
  return version and {version = tonumber(version), fence = tonumber(fence), stalled = tonumber(stalled),
    sequence = tonumber(sequence), lease_until = tonumber(lease_until), wake = wake, format = format, base = base,
    under = under, op = op}
end

local function text_of(state)
  return string.format('%d %d %d %d %d %s %s %s %s %s', state.version, state.fence, state.stalled, state.sequence,
    state.lease_until, state.wake, state.format, state.base, state.under, state.op)
end
