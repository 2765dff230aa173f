--- The proposal beside the buffer, in Neovim's diff mode: another view of the same hunks.
---
--- It bridges the text with the pending hunks in it and a window of its own, which follows every apply,
--- reject and change of the buffer. `do` and `dp` work as they do in any diff; what they put into the
--- buffer counts as applied. What it doesn't do: draw hunks.

local boards = require('vivek.board')
local keys = require('vivek.keys')
local message = require('vivek.message')
local proposals = require('vivek.proposals')

local M = {}

---@class vivek.DiffView
---@field source integer
---@field buf integer
---@field run string whose hunks are shown

---@type table<integer, vivek.DiffView> by the view's buffer
local views = {}

--- The source buffer of a diff view.
---@param buf integer
---@return integer? source nil where the buffer is no diff view
function M.source_of(buf)
  return views[buf] and views[buf].source
end

---@param source integer
---@return vivek.DiffView?
local function view_of(source)
  for _, view in pairs(views) do
    if view.source == source then
      return view
    end
  end
end

---@param win integer
local function diff_off(win)
  vim.api.nvim_win_call(win, function()
    vim.cmd.diffoff()
  end)
end

---@param view vivek.DiffView
local function forget(view)
  if not views[view.buf] then
    return
  end
  views[view.buf] = nil
  local board = boards.of(view.source)
  if board then
    board.listeners.diff = nil
  end
  vim.tbl_map(diff_off, vim.fn.win_findbuf(view.source))
end

---@param view vivek.DiffView
local function close(view)
  forget(view)
  if vim.api.nvim_buf_is_valid(view.buf) then
    vim.api.nvim_buf_delete(view.buf, { force = true })
  end
end

--- Write the text with the pending hunks into the view. There is nothing to show once all are decided on.
---@param view vivek.DiffView
local function update(view)
  local pending, run = proposals.pending_text(view.source, view.run)
  if not pending or run ~= view.run then
    return vim.schedule(function()
      close(view)
    end)
  end
  local options = vim.bo[view.buf]
  if vim.deep_equal(vim.api.nvim_buf_get_lines(view.buf, 0, -1, true), pending.lines) then
    return
  end
  options.modifiable = true
  vim.api.nvim_buf_set_lines(view.buf, 0, -1, true, pending.lines)
  options.modifiable, options.modified = false, false
  for _, win in ipairs(vim.fn.win_findbuf(view.buf)) do
    vim.api.nvim_win_call(win, vim.cmd.diffupdate)
  end
end

---@param source integer
---@param run string
---@return vivek.DiffView
local function create(source, run)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buf, ('vivek-diff://%d/%s'):format(source, vim.api.nvim_buf_get_name(source)))
  local options = vim.bo[buf]
  options.bufhidden, options.swapfile, options.undolevels = 'wipe', false, -1
  local view = { source = source, buf = buf, run = run }
  views[buf] = view
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      forget(view)
    end,
  })
  update(view)
  -- Colours without the rest of a file type: its plugins may start servers.
  local language = vim.treesitter.language.get_lang(vim.bo[source].filetype)
  if not (language and pcall(vim.treesitter.start, buf, language)) then
    vim.bo[buf].syntax = vim.bo[source].filetype
  end
  return view
end

---@param view vivek.DiffView
---@param beside integer window of the source
local function show(view, beside)
  vim.api.nvim_win_call(beside, vim.cmd.diffthis)
  local win = vim.api.nvim_open_win(view.buf, false, { split = 'right', win = beside })
  vim.api.nvim_win_call(win, vim.cmd.diffthis)
  keys.attach(view.buf)
  assert(boards.of(view.source)).listeners.diff = function()
    update(view)
  end
end

--- Show the proposal of a buffer beside it, or take the view away where it is shown.
---@param source integer
function M.toggle(source)
  local view = view_of(source)
  if view then
    return close(view)
  end
  local item = proposals.current(source)
  local win = item and boards.window_of(source)
  if not item then
    return
  elseif not win then
    return message.warn('the buffer of these hunks is in no window. Show it, then try again.')
  end
  show(create(source, item.proposal.run), win)
end

return M
