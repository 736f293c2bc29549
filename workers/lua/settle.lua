-- The end of a drain: note the next deadline, and become clean unless marked again meanwhile.
-- ARGV: prefix, component, the mark the drain began with, deadline or ''
-- Returns 0 when clean, else the mark to drain next; -1 when Redis has forgotten the component.
local prefix, component = ARGV[1], ARGV[2]
if redis.call('SISMEMBER', prefix .. 'components', component) == 0 then
  return -1
end
local deadlines, dirty = prefix .. 'deadlines', prefix .. 'dirty'
if ARGV[4] == '' then
  redis.call('ZREM', deadlines, component)
else
  local before = redis.call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')
  redis.call('ZADD', deadlines, ARGV[4], component)
  if before[2] == nil or tonumber(ARGV[4]) < tonumber(before[2]) then
    redis.call('PUBLISH', prefix .. 'timekeeper', 'deadline')
  end
end
local mark = redis.call('HGET', dirty, component)
if mark and mark ~= ARGV[3] then
  return tonumber(mark)
end
redis.call('HDEL', dirty, component)
return 0
