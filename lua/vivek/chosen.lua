--- Which of a buffer's open hunks a command means.
---
--- It bridges a count, a range or "all" and the hunks. It does nothing with them.

local cursor = require('vivek.cursor')
local message = require('vivek.message')

local M = {}

--- Whether two hunks share a line, or are insertions at the same one.
---@param one vivek.Place
---@param other vivek.Place
---@return boolean
function M.meet(one, other)
  local last, other_last = one.row + #one.old, other.row + #other.old
  return one.row < other_last and other.row < last or one.row == other.row
end

---@class vivek.Choice
---@field all? boolean
---@field count? integer how many hunks, from the current one on
---@field range? [integer, integer] lines, 1-based, both inclusive: the hunks in them
---@field theirs? boolean of a hunk that conflicts: put the model's lines in place of the user's

---@param board vivek.Board
---@param range [integer, integer]
---@return vivek.Item[]
local function within(board, range)
  return vim.tbl_filter(function(item)
    local first, last = cursor.rows_of(item.place)
    return first <= range[2] - 1 and last >= range[1] - 1
  end, board.items)
end

--- The hunks that were chosen.
---@param board vivek.Board located
---@param choice vivek.Choice
---@return vivek.Item[]
function M.items(board, choice)
  if choice.all then
    return board.items
  elseif choice.range then
    local found = within(board, choice.range)
    if #found == 0 then
      message.info('no hunk is in these lines.')
    end
    return found
  end
  local _, index = cursor.current(board)
  return vim.list_slice(board.items, index, index + math.max(choice.count or 1, 1) - 1)
end

--- Of hunks that lie in the same lines only the first can be applied; it is the newer proposal's.
---@param items vivek.Item[] in the order of their lines
---@return vivek.Item[]
function M.apart(items)
  local result = {}
  for _, item in ipairs(items) do
    local last = result[#result]
    local in_the_way = last and last.proposal ~= item.proposal and M.meet(last.place, item.place)
    if not in_the_way then
      result[#result + 1] = item
    end
  end
  return result
end

return M
