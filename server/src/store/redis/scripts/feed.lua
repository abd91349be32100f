-- What the feed of one shard holds after a position. Numbers are contiguous; the entry n has the stream id 'n-0'.
--
-- KEYS  1 epoch, 2 feed
-- ARGV  1 epoch, 2 number of the last entry seen, 3 most to return, 0 = only tell the ends
-- Answers {'FEED', number of the oldest kept entry or 0, number of the newest or 0, job ...}
local function number(entry)
  return entry and string.match(entry[1], '^%d+') or '0'
end

local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local reply = {'FEED', number(first), number(last)}
local max = tonumber(ARGV[3])
if max > 0 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', max)) do
    reply[#reply + 1] = entry[2][2]
  end
end
return reply
