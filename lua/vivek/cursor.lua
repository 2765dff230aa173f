--- Which open hunk the cursor means.
---
--- It bridges a window's cursor and the hunks of its buffer. What it doesn't do: move the cursor.

local draw = require('vivek.draw')

local M = {}

--- The window whose cursor counts: the current one, or else one that shows the buffer.
---@param buf integer
---@return integer? win
function M.window_of(buf)
  if vim.api.nvim_get_current_buf() == buf then
    return vim.api.nvim_get_current_win()
  end
  local win = vim.fn.bufwinid(buf)
  return win ~= -1 and win or vim.fn.win_findbuf(buf)[1]
end

---@param buf integer
---@return integer row 0-based
local function cursor_row(buf)
  local win = M.window_of(buf)
  local line = win and vim.api.nvim_win_get_cursor(win)[1] or vim.api.nvim_buf_get_mark(buf, '"')[1]
  return math.max(line, 1) - 1
end

--- The lines that stand for a hunk on the screen, both inclusive.
---@param place vivek.Place
---@return integer first
---@return integer last
function M.rows_of(place)
  local first = draw.first_row(place)
  return first, math.max(first, draw.last_row(place))
end

--- The hunk that apply and reject mean, and that carries the hint: the one that the cursor was sent to and
--- still is on, or else the nearest.
---@param board vivek.Board located
---@return vivek.Item? item nil where none is open
---@return integer? index
function M.current(board)
  local row, nearest, least = cursor_row(board.buf), nil, math.huge
  for index, item in ipairs(board.items) do
    local first, last = M.rows_of(item.place)
    local distance = row < first and first - row or math.max(row - last, 0)
    if distance == 0 and item.hunk == board.current then
      return item, index
    elseif distance < least then
      nearest, least = index, distance
    end
  end
  return board.items[nearest], nearest
end

--- The place in the list of open hunks that a step leads to from the cursor.
---@param board vivek.Board located
---@param steps integer backwards where negative
---@return vivek.Item
function M.stepped(board, steps)
  local row, before, at = cursor_row(board.buf), 0, nil
  for index, item in ipairs(board.items) do
    local first, last = M.rows_of(item.place)
    local on_it = row >= first and row <= last
    if on_it and (not at or item.hunk == board.current) then
      at = index
    elseif last < row then
      before = index
    end
  end
  -- Between two hunks, the first step forward leads to the one after the cursor, and backward to the one
  -- before it.
  local from = at or (steps > 0 and before or before + 1)
  return board.items[(from + steps - 1) % #board.items + 1]
end

return M
