--- Puts lines that one side wrote among lines that the other side indented: they are indented as well.
---
--- It bridges an edit of one side and what the other side did to the white space around it. Where lines at
--- the edge of a block may belong to it or not, it does not guess.

local layout = require('vivek.merge.layout')

local M = {}

--- An old line that is still there, and what it became.
---@param old string[]
---@param side vivek.Aligned
---@param row integer
---@return vivek.Rewritten? pair nil where the line is blank or gone
local function kept(old, side, row)
  local number = side.partner[row + 1]
  if number and old[row + 1]:find('%S') then
    return { old[row + 1], side.lines[number] }
  end
end

---@param old string[]
---@param side vivek.Aligned
---@param row integer
---@param step integer
---@return vivek.Rewritten? pair nil where there is none up to the end
local function nearest(old, side, row, step)
  while row >= 0 and row < #old do
    local pair = kept(old, side, row)
    if pair then
      return pair
    end
    row = row + step
  end
end

---@param old string[]
---@param side vivek.Aligned
---@param first integer
---@param last integer
---@return vivek.Rewritten[]
local function all_kept(old, side, first, last)
  local found = {}
  for row = first, last - 1 do
    found[#found + 1] = kept(old, side, row)
  end
  return found
end

--- What became of the lines at some place: of those within, or else of the nearest around it.
---@param old string[]
---@param side vivek.Aligned
---@param first integer
---@param last integer
---@return vivek.Rewritten[]
---@return boolean edge whether there is none on one side of the place
local function evidence(old, side, first, last)
  local within = all_kept(old, side, first, last)
  if #within > 0 then
    return within, false
  end
  local above, below = nearest(old, side, first - 1, -1), nearest(old, side, last, 1)
  local around = { above }
  around[#around + 1] = below
  return around, not (above and below)
end

---@param old string[]
---@param side vivek.Aligned
---@param edit vivek.Edit
---@return vivek.Rule? rule nil where nothing explains all that became of the lines around
---@return vivek.Rewritten[] around
local function rule_at(old, side, edit)
  side.kept = side.kept or all_kept(old, side, 0, #old)
  side.rules = side.rules or layout.rules(side.kept)
  local around, edge = evidence(old, side, edit.first, edit.last)
  local rule = layout.fitting(side.rules, around)
  -- At the end of the hunk, only where all of it was indented.
  if rule and rule ~= layout.KEEP and edge and not layout.fitting({ rule }, side.kept) then
    return nil, around
  end
  return rule, around
end

--- Whether lines begin at least as far to the right as those that a rule moved. If not, they stand outside of
--- the block that was moved.
---@param lines string[]
---@param rule vivek.Rule
---@param pairs_ vivek.Rewritten[]
---@return boolean
local function within_block(lines, rule, pairs_)
  local moved = {}
  for _, pair in ipairs(pairs_) do
    if layout.fitting({ rule }, { pair }) then
      moved[#moved + 1] = pair[1]
    end
  end
  return #(layout.outermost(lines) or '') >= #(layout.outermost(moved) or '')
end

--- The lines of one side's edit, with the white space that the other side gave to the lines around them; nil
--- where it is open to which lines they belong.
---@param old string[]
---@param edit vivek.Edit
---@param own vivek.Aligned
---@param other vivek.Aligned
---@return string[]?
function M.lines(old, edit, own, other)
  if not table.concat(edit.items):find('%S') then
    return edit.items
  end
  local rule, around = rule_at(old, other, edit)
  if rule and rule ~= layout.KEEP then
    local moved_by_both = rule_at(old, own, edit) ~= layout.KEEP
    if moved_by_both or not rule.everywhere and not within_block(edit.items, rule, other.kept) then
      return nil
    end
  end
  return rule and layout.applied(edit.items, rule, layout.trail_rule(around) or layout.KEEP)
end

return M
