-- A commit: tell the tailers, and mark dirty who is interested in what changed.
-- ARGV: prefix, message, revision, own component, resource ids...
-- Returns the components that were clean until now: each needs a task.
local prefix, own = ARGV[1], ARGV[4]
redis.call('PUBLISH', prefix .. 'hints', ARGV[2])
redis.call('SET', prefix .. 'announced', ARGV[3])
local marked, woken = {}, {}
for i = 5, #ARGV do
  for _, component in ipairs(redis.call('SMEMBERS', prefix .. 'interest:' .. ARGV[i])) do
    if component ~= own and not marked[component] then
      marked[component] = true
      if redis.call('HINCRBY', prefix .. 'dirty', component, 1) == 1 then
        woken[#woken + 1] = component
      end
    end
  end
end
return woken
