--- Lines that a merge would have twice although both sides want them once.
---
--- It bridges a merged text and the three texts that it came of. It knows nothing of where a line stands.

local layout = require('vivek.merge.layout')

local M = {}

--- Whether a line says so much that nobody would write it twice in one place.
---@param body string
---@return boolean
local function telling(body)
  return body:find('[%w_\128-\255][^%w_\128-\255]+[%w_\128-\255]') ~= nil or body:find('[%w_]%(') ~= nil
end

--- How often each line is there, white space at its ends left aside.
---@param lines string[]
---@return table<string, integer>
function M.counts(lines)
  local found = {}
  for _, line in ipairs(lines) do
    local body = layout.body(line)
    found[body] = (found[body] or 0) + 1
  end
  return found
end

--- Lines that both sides added, or moved, to different places: the merged text has more of them than either
--- side.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@param merged string[]
---@return string[] bodies
function M.lines(old, mine, theirs, merged)
  local before, my_counts, their_counts = M.counts(old), M.counts(mine), M.counts(theirs)
  local found = {}
  for body, count in pairs(M.counts(merged)) do
    local most = math.max(my_counts[body] or 0, their_counts[body] or 0)
    -- Of a line that was there, one side may have added one, and the other side another one.
    local unwanted = not before[body] or most <= before[body]
    if my_counts[body] and their_counts[body] and count > most and unwanted and telling(body) then
      found[#found + 1] = body
    end
  end
  table.sort(found)
  return found
end

return M
