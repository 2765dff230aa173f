--- The windows beside a source: where they open, how they look, and the bar that tells what is going on.
---
--- It bridges buffers of Vivek's own and the user's layout. What it doesn't do: know what such a buffer says.

local config = require('vivek.config')
local message = require('vivek.message')

local M = {}

-- Narrower than this, code in a window beside another one is not readable: the window opens below instead.
local LEAST_COLUMNS, SOURCE_COLUMNS = 40, 60
-- Lower than this, a window beside the source is not shared with another one.
local LEAST_SHARED_ROWS = 10

local OPTIONS = {
  number = false,
  relativenumber = false,
  signcolumn = 'no',
  foldcolumn = '0',
  foldenable = false,
  list = false,
  spell = false,
  wrap = true,
  linebreak = true,
  cursorline = false,
}

---@param source integer
---@return integer
local function window_of(source)
  if vim.api.nvim_get_current_buf() == source then
    return vim.api.nvim_get_current_win()
  end
  local win = vim.fn.bufwinid(source)
  return win ~= -1 and win or 0
end

--- A window that stands beside the source already and can be shared, one above the other.
---@param source integer
---@return integer? win
local function companion(source)
  return vim.iter(vim.api.nvim_tabpage_list_wins(0)):find(function(win)
    return vim.w[win].vivek_source == source
      and vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(win)):find('^vivek://') ~= nil
      and vim.api.nvim_win_get_height(win) >= LEAST_SHARED_ROWS
  end)
end

--- Where the window opens, and how large.
---@param beside integer window
---@return vim.api.keyset.win_config
local function placement(beside)
  local settings = config.get().scratch
  local columns, rows = vim.api.nvim_win_get_width(beside), vim.api.nvim_win_get_height(beside)
  if vim.api.nvim_win_get_config(beside).relative ~= '' then
    -- A floating window cannot be split; the screen can.
    beside, columns, rows = -1, vim.o.columns, vim.o.lines
  end
  local width, height = math.floor(vim.o.columns * settings.size), math.floor(vim.o.lines * settings.size)
  local split = settings.split
  local sideways = split == 'right' or split == 'left'
  if sideways and (width < LEAST_COLUMNS or columns - width < SOURCE_COLUMNS) then
    split, sideways = 'below', false
  end
  local result = { split = split, win = beside }
  if sideways then
    result.width = width
  else
    result.height = math.max(math.min(height, math.floor(rows / 2)), 1)
  end
  return result
end

---@param source integer
---@return vim.api.keyset.win_config
local function place(source)
  local shared = companion(source)
  if shared then
    return { split = 'below', win = shared, height = math.floor(vim.api.nvim_win_get_height(shared) / 2) }
  end
  return placement(window_of(source))
end

--- Show a buffer beside its source, the cursor staying where it is. One that is in sight stays there.
---@param buf integer
---@param source integer
---@param options? table<string, any> options of the window, where they are not those of all such windows
---@return integer? win nil where it is in sight, or there is no room, which the user is told
function M.open(buf, source, options)
  local in_sight = vim.iter(vim.api.nvim_tabpage_list_wins(0)):any(function(win)
    return vim.api.nvim_win_get_buf(win) == buf
  end)
  if in_sight then
    return nil
  end
  local ok, win = pcall(vim.api.nvim_open_win, buf, false, place(source))
  if not ok then
    -- No room is no reason to leave the work undone.
    message.warn('There is no room for the scratch window: the next ask opens it.')
    return nil
  end
  for name, value in pairs(vim.tbl_extend('force', OPTIONS, options or {})) do
    vim.api.nvim_set_option_value(name, value, { win = win, scope = 'local' })
  end
  vim.api.nvim_win_set_var(win, 'vivek_source', source)
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(buf), 0 })
  return win
end

--- Tell in the bar of a buffer's windows what is going on: there it stays in sight, and a yank does not carry
--- it.
---@param buf integer
---@param words fun(columns: integer): string
function M.bar(buf, words)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return
  end
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local text = words(vim.api.nvim_win_get_width(win)):gsub('%%', '%%%%')
    vim.api.nvim_set_option_value('winbar', text .. '%<', { win = win, scope = 'local' })
  end
end

return M
