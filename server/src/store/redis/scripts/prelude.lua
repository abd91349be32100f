-- Opens every script that works on an opened data set: KEYS[1] is the epoch key of the slot, ARGV[1] the epoch that was opened.
-- A store that lost its data must never look like one that holds nothing, so every script answers DATASET_LOST first of all.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'DATASET_LOST'}
end

-- Whole numbers as text: tostring() would lose digits of a time in microseconds.
local function int(number)
  return string.format('%.0f', number)
end

-- The clock of the data set, in microseconds. No replica's own clock decides anything here.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
