--- The windows that show a buffer: which of its lines are in sight, and how many virtual lines have room.
---
--- It bridges Neovim's windows and what is drawn while a model writes. What it doesn't do: draw.

local draw = require('vivek.draw')
local text = require('vivek.text')

local M = {}

---@class vivek.Pane a window that shows the buffer
---@field win integer
---@field top integer its first line, 0-based
---@field bottom integer a line that its last one is not below
---@field height integer
---@field cursor integer line, 0-based

---@param buf integer
---@return vivek.Pane[]
function M.of(buf)
  return vim.tbl_map(function(win)
    local info = vim.fn.getwininfo(win)[1]
    local top = info.topline - 1
    return {
      win = win,
      top = top,
      -- Its last line comes down when virtual lines above it go.
      bottom = math.max(info.botline, top + info.height),
      height = info.height,
      cursor = vim.api.nvim_win_get_cursor(win)[1] - 1,
    }
  end, vim.fn.win_findbuf(buf))
end

--- Whether lines, or those beside them, are to be seen.
---@param panes vivek.Pane[]
---@param row integer
---@param count integer
---@return boolean
function M.in_sight(panes, row, count)
  return vim.iter(panes):any(function(pane)
    return row <= pane.bottom and row + count >= pane.top
  end)
end

--- Rows of the highest window.
---@param panes vivek.Pane[]
---@return integer
function M.height(panes)
  local height = 0
  for _, pane in ipairs(panes) do
    height = math.max(height, pane.height)
  end
  return height
end

---@class vivek.Below
---@field row integer a line below which virtual lines are drawn, -1 for the top of the buffer
---@field rows integer how many

--- How many rows a window has below a line. One whose cursor is farther down moves its text up, and has all
--- of them.
---@param pane vivek.Pane
---@param row integer
---@param others vivek.Below[] virtual lines above it
---@return integer
local function room_in(pane, row, others)
  if pane.cursor > row or row < pane.top then
    return pane.height
  end
  local text_height = vim.api.nvim_win_text_height(pane.win, { start_row = pane.top, end_row = row })
  local room = pane.height - text_height.all + text_height.fill
  for _, other in ipairs(others) do
    room = room - (other.row >= pane.top and other.rows or 0)
  end
  return math.max(room, 1)
end

--- How many rows there are below a line, in the window that has most of them.
---@param panes vivek.Pane[]
---@param row integer
---@param others vivek.Below[]
---@return integer
function M.room_below(panes, row, others)
  local room = 0
  for _, pane in ipairs(panes) do
    room = math.max(room, room_in(pane, math.max(row, 0), others))
  end
  return room
end

---@param line string
---@param view vivek.View
---@return integer
local function rows_of(line, view)
  local width = vim.api.nvim_strwidth(draw.displayed(line, 0, view.tabstop))
  return view.wrap and math.max(math.ceil(width / view.wrap), 1) or 1
end

--- The lines that there is room for: the first ones, or the last ones.
---@param lines string[]
---@param room integer rows
---@param view vivek.View
---@param end_first boolean
---@return string[]
---@return integer above how many before them are left out
---@return integer rows
function M.fitting(lines, room, view, end_first)
  local count, left = 0, room
  while count < #lines do
    local rows = rows_of(lines[end_first and #lines - count or count + 1], view)
    if rows > left and count > 0 then
      break
    end
    count, left = count + 1, left - rows
  end
  local above = end_first and #lines - count or 0
  local shown = vim.list_slice(lines, above + 1, above + count)
  if left < 0 then
    -- A line that is larger than the window.
    shown[1] = shown[1]:sub(1, text.boundary_before(shown[1], room * view.wrap))
  end
  return shown, above, math.min(room - left, room)
end

return M
