--- The proposal beside the buffer, in Neovim's diff mode: another view of the same hunks.
---
--- It bridges the text with the pending hunks in it and a window of its own, which follows every apply,
--- reject and change of the buffer. `do` and `dp` work as they do in any diff; what they put into the
--- buffer counts as applied. What it doesn't do: draw hunks.

local apply = require('vivek.apply')
local boards = require('vivek.board')
local cursor = require('vivek.cursor')
local keys = require('vivek.keys')
local message = require('vivek.message')
local proposals = require('vivek.proposals')
local text = require('vivek.text')

local M = {}

---@class vivek.DiffView
---@field source integer
---@field buf integer
---@field run string whose hunks are shown
---@field win integer? the source's window beside the view
---@field options table<string, any> what that window's options were before
---@field group integer

---@type table<integer, vivek.DiffView> by the view's buffer
local views = {}

---@param source integer
---@return vivek.DiffView?
local function view_of(source)
  for _, view in pairs(views) do
    if view.source == source then
      return view
    end
  end
end

-- The windows

-- `:diffthis` and `:diffoff` lose the folds that the user made by hand, and what the window showed in diff
-- mode before; so the options are set, and given back, one by one.
local DIFF_OPTIONS = { diff = true, scrollbind = true, cursorbind = true, wrap = false }
local FOLD_OPTIONS = { foldmethod = 'diff', foldlevel = 0, foldenable = true }

---@param win integer
---@param name string
---@return any
local function get(win, name)
  return vim.api.nvim_get_option_value(name, { win = win })
end

---@param win integer
---@param options table<string, any>
local function set(win, options)
  for name, value in pairs(options) do
    vim.api.nvim_set_option_value(name, value, { win = win, scope = 'local' })
  end
end

---@param win integer
---@return boolean
local function has_folds_made_by_hand(win)
  return get(win, 'foldmethod') == 'manual'
    and vim.api.nvim_win_call(win, function()
      for line = 1, vim.fn.line('$') do
        if vim.fn.foldlevel(line) > 0 then
          return true
        end
      end
      return false
    end)
end

--- What diff mode sets in both windows; folds made by hand stay, and then nothing else is folded.
---@param win integer the source's
---@return table<string, any>
local function wanted_options(win)
  local wanted = vim.deepcopy(DIFF_OPTIONS)
  if vim.list_contains(vim.opt.diffopt:get(), 'followwrap') then
    wanted.wrap = nil
  end
  return has_folds_made_by_hand(win) and wanted or vim.tbl_extend('error', wanted, FOLD_OPTIONS)
end

---@param win integer
---@param options table<string, any>
local function give_back(win, options)
  local folded = get(win, 'foldmethod') == 'diff'
  set(win, options)
  if folded and options.foldmethod == 'manual' then
    -- The folds of the diff would stay as if they were made by hand.
    vim.api.nvim_win_call(win, function()
      vim.cmd('normal! zE')
    end)
  end
end

--- The source's windows are as they were before: the one beside the view, and those split off from it. A
--- window keeps the options of a buffer that it shows no more, until it shows it again.
---@param view vivek.DiffView
local function leave_diff_mode(view)
  local known = false
  for _, win in ipairs(vim.fn.win_findbuf(view.source)) do
    if get(win, 'diff') and not view.options.diff then
      give_back(win, view.options)
    end
    known = known or win == view.win
  end
  if not known and vim.api.nvim_buf_is_valid(view.source) and not view.options.diff then
    vim.api.nvim_create_autocmd('BufWinEnter', {
      buffer = view.source,
      once = true,
      callback = function()
        local win = vim.api.nvim_get_current_win()
        if get(win, 'diff') and not view_of(view.source) then
          give_back(win, view.options)
        end
      end,
    })
  end
end

---@param view vivek.DiffView
local function forget(view)
  if not views[view.buf] then
    return
  end
  views[view.buf] = nil
  vim.api.nvim_del_augroup_by_id(view.group)
  leave_diff_mode(view)
  local board = boards.of(view.source)
  if board then
    board.beside, board.listeners.diff = nil, nil
    boards.refresh(board)
  end
end

---@param view vivek.DiffView
local function close(view)
  if vim.fn.getcmdwintype() ~= '' then
    -- No buffer can be taken out of a window from the command-line window.
    vim.api.nvim_create_autocmd('CmdwinLeave', {
      once = true,
      callback = vim.schedule_wrap(function()
        close(view)
      end),
    })
    return
  end
  forget(view)
  if vim.api.nvim_buf_is_valid(view.buf) then
    vim.api.nvim_buf_delete(view.buf, { force = true })
  end
end

---@param view vivek.DiffView
local function close_soon(view)
  vim.schedule(function()
    close(view)
  end)
end

-- The text

---@param buf integer
---@return string[]
local function lines_of(buf)
  return vim.api.nvim_buf_get_lines(buf, 0, -1, true)
end

--- Write the text with the pending hunks into the view. There is nothing to show once all are decided on.
---@param view vivek.DiffView
local function update(view)
  local pending, run = proposals.pending_text(view.source, view.run)
  if not pending or run ~= view.run then
    return close_soon(view)
  end
  local options = vim.bo[view.buf]
  options.modifiable = true
  apply.lines(view.buf, 0, lines_of(view.buf), #pending.lines > 0 and pending.lines or { '' })
  options.modifiable, options.modified = false, false
end

--- The line of one text that stands beside a line of another.
---@param from integer buffer
---@param to integer buffer
---@param line integer 1-based
---@return integer
local function beside(from, to, line)
  local shift = 0
  for _, region in ipairs(text.diff(lines_of(from), lines_of(to))) do
    if region.start + region.count >= line then
      local within = math.max(line - 1 - region.start, 0)
      if line > region.start then
        return math.max(region.to + math.min(within, math.max(region.added - 1, 0)) + 1, 1)
      end
      break
    end
    shift = shift + region.added - region.count
  end
  return line + shift
end

---@param win integer
---@param line integer
local function set_line(win, line)
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win))
  vim.api.nvim_win_set_cursor(win, { math.min(line, last), 0 })
end

--- The source buffer of a diff view, for a command that is given there: the source's cursor goes to the line
--- that the view's is at. Where it stands beside it already it stays: a line that a hunk takes away has none
--- of its own in the view.
---@param buf integer
---@return integer? source nil where the buffer is no diff view
function M.enter(buf)
  local view = views[buf]
  local win = view and cursor.window_of(view.source)
  if win then
    local here, there = vim.api.nvim_win_get_cursor(0)[1], vim.api.nvim_win_get_cursor(win)[1]
    if beside(view.source, buf, there) ~= here then
      set_line(win, beside(buf, view.source, here))
    end
  end
  return view and view.source
end

--- The view's cursor goes to where the source's cursor was sent, when the user is in the view.
---@param source integer
function M.follow(source)
  local view, win = views[vim.api.nvim_get_current_buf()], cursor.window_of(source)
  if view and win and view.source == source then
    set_line(0, beside(source, view.buf, vim.api.nvim_win_get_cursor(win)[1]))
  end
end

-- Opening

--- Colours without the rest of a file type: its plugins may start servers.
---@param view vivek.DiffView
local function colour(view)
  local filetype = vim.bo[view.source].filetype
  local language = vim.treesitter.language.get_lang(filetype)
  if not (language and pcall(vim.treesitter.start, view.buf, language)) then
    vim.bo[view.buf].syntax = filetype
  end
end

---@param source integer
---@param run string
---@return vivek.DiffView
local function create(source, run)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(
    buf,
    ('vivek-diff://%d/%s'):format(source, vim.fs.basename(vim.api.nvim_buf_get_name(source)))
  )
  local options = vim.bo[buf]
  options.bufhidden, options.swapfile, options.undolevels = 'wipe', false, -1
  options.tabstop = vim.bo[source].tabstop
  local group = vim.api.nvim_create_augroup(('vivek_diff_%d'):format(buf), {})
  local view = { source = source, buf = buf, run = run, options = {}, group = group }
  views[buf] = view
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buf,
    callback = function()
      forget(view)
    end,
  })
  vim.api.nvim_create_autocmd('BufWinLeave', {
    group = group,
    buffer = source,
    callback = vim.schedule_wrap(function()
      if #vim.fn.win_findbuf(source) == 0 then
        close(view)
      end
    end),
  })
  update(view)
  colour(view)
  return view
end

---@param view vivek.DiffView
---@param win integer window of the source
local function show(view, win)
  local wanted = wanted_options(win)
  local ok, other = pcall(vim.api.nvim_open_win, view.buf, false, { split = 'right', win = win })
  if not ok then
    close(view)
    return message.error(
      ('The view cannot be opened (%s).'):format(other),
      'Make the window larger, or close another.'
    )
  end
  view.win = win
  for name in pairs(wanted) do
    view.options[name] = get(win, name)
  end
  set(other, vim.tbl_extend('force', { foldmethod = 'manual' }, wanted))
  set(win, wanted)
  keys.attach(view.buf)
  local board = assert(boards.of(view.source))
  board.beside = true
  board.listeners.diff = function()
    update(view)
  end
  boards.refresh(board)
end

--- Show the proposal of a buffer beside it, or take the view away where it is shown.
---@param source integer
function M.toggle(source)
  local view = view_of(source)
  if view then
    return close(view)
  end
  local item = proposals.current(source)
  local win = item and cursor.window_of(source)
  if not item then
    return
  elseif not win then
    return message.warn('the buffer of these hunks is in no window. Show it, then try again.')
  end
  show(create(source, item.proposal.run), win)
end

return M
