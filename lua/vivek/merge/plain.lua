--- The merge that git makes: changes go together that have an unchanged line between them.
---
--- It bridges three texts and their merge where that is beyond doubt. It looks neither into lines nor at what
--- they may mean.

local doubled = require('vivek.merge.doubled')
local text = require('vivek.text')
local weave = require('vivek.merge.weave')

local M = {}

---@param old string[]
---@param new string[]
---@return vivek.Edit[]
local function edits_of(old, new)
  local edits = {}
  for index, region in ipairs(text.diff(old, new, 'myers')) do
    local items = vim.list_slice(new, region.to + 1, region.to + region.added)
    edits[index] = weave.edit(region.start, region.start + region.count, items)
  end
  return edits
end

---@param group vivek.Group
---@return string[]?
local function resolved(group)
  local mine, theirs = group.mine[1], group.theirs[1]
  if not mine or not theirs then
    return (mine or theirs).items
  elseif mine.first == theirs.first and mine.last == theirs.last and weave.same(mine.items, theirs.items) then
    return mine.items
  end
end

--- The merged lines; nil where changes meet or touch, or where a line that both sides added would be there
--- twice.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
function M.merged(old, mine, theirs)
  local merged, copied = {}, -1
  for _, group in ipairs(weave.groups(edits_of(old, mine), edits_of(old, theirs))) do
    local lines = resolved(group)
    if not lines or group.from <= copied then
      return nil
    end
    vim.list_extend(merged, old, math.max(copied, 0) + 1, group.from)
    vim.list_extend(merged, lines)
    copied = group.to
  end
  vim.list_extend(merged, old, math.max(copied, 0) + 1)
  return #doubled.lines(old, mine, theirs, merged) == 0 and merged or nil
end

return M
