--- Two sides' edits of one list, in order: which of them stand alone, and which meet.
---
--- It bridges two comparisons with one base and the merge of both, and serves lists of lines as well as lists
--- of words. It does not say what becomes of edits that meet.

local M = {}

---@class vivek.Edit items `first` to `last` (0-based, exclusive) of the base became `items`
---@field first integer
---@field last integer
---@field items string[]
---@field from integer where what belongs to the edit begins: further up than `first` where it is unclear
---@field to integer
---@field unclear boolean? what the other side did there leaves open what is meant
---@field reflow boolean? the same words, broken into lines in another way

---@class vivek.Side what one side made of the base
---@field edits vivek.Edit[] in order; no two of them touch
---@field touched table<integer, boolean> items of the base (0-based) that it changed or took away
---@field inserted table<integer, boolean> items of the base before which it inserted something

---@class vivek.Group edits that meet
---@field from integer
---@field to integer
---@field mine vivek.Edit[]
---@field theirs vivek.Edit[]
---@field unclear boolean
---@field gap integer? where something was inserted

---@param items string[]
---@param others string[]
---@return boolean
function M.same(items, others)
  if #items ~= #others then
    return false
  end
  for index, item in ipairs(items) do
    if item ~= others[index] then
      return false
    end
  end
  return true
end

---@param first integer
---@param last integer
---@param items string[]
---@return vivek.Edit
function M.edit(first, last, items)
  return { first = first, last = last, items = items, from = first, to = last }
end

---@param edit vivek.Edit
---@param from integer
---@param to integer
local function widen(edit, from, to)
  edit.from, edit.to = math.min(edit.from, from), math.max(edit.to, to)
  edit.unclear = true
end

---@param item string
---@return boolean
local function blank(item)
  return not item:find('%S')
end

--- Something inserted that begins as the item below it (or ends as the one above) may as well stand on that
--- item's other side. Where the other side changed that item, it matters which one is new.
---@param edit vivek.Edit
---@param base string[]
---@param other vivek.Side
local function doubt_insertion(edit, base, other)
  local at = edit.first
  local below, above = base[at + 1], base[at]
  if below and below == edit.items[1] and not blank(below) and other.touched[at] then
    widen(edit, at, at + 1)
  end
  if above and above == edit.items[#edit.items] and not blank(above) and other.touched[at - 1] then
    widen(edit, at - 1, at)
  end
end

--- The same for items taken away: of repeated items it may as well be another that went.
---@param edit vivek.Edit
---@param base string[]
---@param other vivek.Side
local function doubt_deletion(edit, base, other)
  local first, last = edit.first, edit.last
  local below, above = base[last + 1], base[first]
  if
    below
    and below == base[first + 1]
    and not blank(below)
    and (other.touched[last] or other.inserted[last])
  then
    widen(edit, first, last + 1)
  end
  if
    above
    and above == base[last]
    and not blank(above)
    and (other.touched[first - 1] or other.inserted[first])
  then
    widen(edit, first - 1, last)
  end
end

--- Mark the edits of one side of which it is unclear how they go with the other side's.
---@param side vivek.Side
---@param base string[]
---@param other vivek.Side
function M.doubt(side, base, other)
  for _, edit in ipairs(side.edits) do
    if edit.first == edit.last then
      doubt_insertion(edit, base, other)
    elseif #edit.items == 0 then
      doubt_deletion(edit, base, other)
    end
  end
end

---@param edit vivek.Edit
---@param group vivek.Group
---@return boolean
local function meets(edit, group)
  return edit.from < group.to or edit.first == edit.last and edit.first == group.gap
end

---@param edit vivek.Edit?
---@param other vivek.Edit?
---@return boolean
local function precedes(edit, other)
  if not edit or not other then
    return edit ~= nil
  end
  return edit.from < other.from or edit.from == other.from and edit.to <= other.to
end

--- All edits in order, those that meet in one group. Edits that only touch do not meet: what was inserted
--- before a changed item stands before what that item became.
---@param mine vivek.Edit[]
---@param theirs vivek.Edit[]
---@return vivek.Group[]
function M.groups(mine, theirs)
  local groups, my_next, their_next = {}, 1, 1
  while mine[my_next] or theirs[their_next] do
    local is_mine = precedes(mine[my_next], theirs[their_next])
    local edit = is_mine and mine[my_next] or theirs[their_next]
    local group = groups[#groups]
    if not group or not meets(edit, group) then
      group = { from = edit.from, to = edit.to, mine = {}, theirs = {}, unclear = false }
      groups[#groups + 1] = group
    end
    group.to = math.max(group.to, edit.to)
    group.unclear = group.unclear or edit.unclear == true
    if edit.first == edit.last then
      group.gap = edit.first
    end
    if is_mine then
      group.mine[#group.mine + 1], my_next = edit, my_next + 1
    else
      group.theirs[#group.theirs + 1], their_next = edit, their_next + 1
    end
  end
  return groups
end

return M
