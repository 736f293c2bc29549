-- Deadlines that have come: take them out and mark their components dirty.
-- ARGV: prefix, now (cluster time). Returns the components that were clean until now.
local prefix, woken = ARGV[1], {}
local deadlines, dirty = prefix .. 'deadlines', prefix .. 'dirty'
for _, component in ipairs(redis.call('ZRANGE', deadlines, '-inf', ARGV[2], 'BYSCORE')) do
  redis.call('ZREM', deadlines, component)
  if redis.call('HINCRBY', dirty, component, 1) == 1 then
    woken[#woken + 1] = component
  end
end
return woken
