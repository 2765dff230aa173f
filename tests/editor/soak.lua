-- The hands of the state machine (test_state_machine.py) inside Neovim: each step is one call, which does
-- something as a user, a formatter or another plugin does, and tells what is there afterwards.

-- luacheck: ignore 122 (it answers prompts in the user's place, and looks at v:errmsg)

local M = { buffers = {} }

local boards = require('vivek.board')
local cursor = require('vivek.cursor')
local proposals = require('vivek.proposals')

local function break_undo(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd('noautocmd let &l:undolevels = &l:undolevels')
  end)
end

local function at(buf, command)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd(command)
  end)
end

local function rows(buf)
  local board = boards.of(buf)
  local result = {}
  for _, item in ipairs(board and board.items or {}) do
    local first, last = cursor.rows_of(item.place)
    result[#result + 1] = { item.proposal.run, item.hunk.id, first, last }
  end
  return result
end

local function look_at(buf)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return { loaded = false, hunks = proposals.hunks(buf) }
  end
  return {
    loaded = true,
    lines = vim.api.nvim_buf_get_lines(buf, 0, -1, true),
    seq = vim.fn.undotree(buf).seq_cur,
    modified = vim.bo[buf].modified,
    hunks = proposals.hunks(buf),
    rows = rows(buf),
    marks = vim.tbl_map(function(name)
      return vim.api.nvim_buf_get_mark(buf, name)[1]
    end, { 'a', 'b' }),
  }
end

local function look()
  return { buffers = vim.tbl_map(look_at, M.buffers), error = vim.v.errmsg }
end

--- Start over: two files, one of them in the window.
function M.start(paths, texts)
  vim.cmd('silent! tabonly | silent! only | silent! %bwipeout!')
  vim.o.hidden, vim.o.autoread, vim.o.swapfile, vim.o.undolevels = true, true, false, 1000
  M.buffers, M.formatter, M.choice = {}, false, 'reload'
  for index, path in ipairs(paths) do
    vim.fn.writefile(texts[index], path)
    vim.cmd.edit(vim.fn.fnameescape(path))
    vim.bo.autoindent, vim.bo.formatoptions, vim.bo.textwidth = false, '', 0
    M.buffers[index] = vim.api.nvim_get_current_buf()
  end
  vim.v.errmsg = ''
  return look()
end

local group = vim.api.nvim_create_augroup('soak', {})
vim.api.nvim_create_autocmd('BufWritePre', {
  group = group,
  callback = function(event)
    if M.formatter then
      -- As formatters do it that know nothing of diffs.
      vim.api.nvim_buf_set_lines(event.buf, 0, -1, true, M.formatter)
    end
  end,
})
vim.api.nvim_create_autocmd('FileChangedShell', {
  group = group,
  callback = function()
    vim.cmd.let(('v:fcs_choice = %q'):format(M.choice))
  end,
})

-- Nobody is there to answer: the question about a conflict is left open.
vim.ui.select = function(_, _, on_choice)
  on_choice(nil)
end

local ops = {}

function ops.set_lines(buf, first, last, new)
  vim.api.nvim_buf_set_lines(buf, first, last, true, new)
end

function ops.set_text(buf, row, from, to, new)
  vim.api.nvim_buf_set_text(buf, row, from, row, to, { new })
end

function ops.type(buf, keys)
  if vim.api.nvim_get_current_buf() ~= buf then
    vim.cmd.buffer(buf)
  end
  vim.api.nvim_feedkeys(vim.keycode(keys), 'ntx', false)
end

function ops.command(buf, command)
  at(buf, 'silent ' .. command)
end

ops.rename = ops.command

function ops.undo(buf, command)
  at(buf, 'silent! ' .. command)
  vim.v.errmsg = ''
end

function ops.write(buf, command, formatted)
  M.formatter = formatted ~= vim.NIL and formatted or false
  at(buf, 'silent ' .. command)
  M.formatter = false
end

function ops.outside(buf, text, command, choice)
  vim.fn.writefile(text, vim.api.nvim_buf_get_name(buf))
  M.choice = choice
  at(buf, 'silent ' .. command)
  -- Neovim may leave cursors of other windows below the end of a text that it read again (E315 later on).
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local row = vim.api.nvim_win_get_cursor(win)[1]
    vim.api.nvim_win_set_cursor(win, { math.min(row, vim.api.nvim_buf_line_count(buf)), 0 })
  end
end

function ops.unload(buf, other, command)
  vim.cmd('silent only')
  vim.cmd.buffer(other)
  vim.cmd(('silent %s! %d'):format(command, buf))
end

function ops.open(buf)
  vim.cmd.buffer(buf)
  vim.bo.autoindent, vim.bo.formatoptions, vim.bo.textwidth = false, '', 0
end

function ops.window(_, command)
  vim.cmd('silent! ' .. command)
  vim.v.errmsg = ''
end

function ops.show(buf, run, base, edits, options)
  proposals.show(buf, run, base, edits, options)
end

function ops.cursor(buf, row)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    vim.api.nvim_win_set_cursor(win, { math.min(row, vim.api.nvim_buf_line_count(buf)), 0 })
  end
end

--- Apply, or reject; tells what was open before, and which hunk the cursor meant.
function ops.choose(buf, name, choice)
  local board = boards.of(buf)
  local before = proposals.hunks(buf)
  local current = board and #board.items > 0 and proposals.current(buf)
  local seen = rows(buf)
  proposals[name](buf, choice)
  return {
    before = before,
    rows = seen,
    current = current and { current.proposal.run, current.hunk.id } or nil,
  }
end

function ops.restore(buf, choice)
  proposals.restore(buf, choice)
end

function ops.go(buf, name, count)
  if vim.api.nvim_get_current_buf() ~= buf then
    vim.cmd.buffer(buf)
  end
  proposals[name](buf, count)
  return { line = vim.api.nvim_win_get_cursor(0)[1] }
end

--- Edit the current hunk in its own buffer: add a line, write.
function ops.edit_hunk(buf, line)
  local board = boards.of(buf)
  if not board or #proposals.open_runs(buf) == 0 then
    return nil
  end
  if vim.api.nvim_get_current_buf() ~= buf then
    vim.cmd.buffer(buf)
  end
  local before = proposals.hunks(buf)
  local current = assert(proposals.current(buf))
  if current.place.state ~= 'pending' then
    return nil
  end
  require('vivek.edit').open(buf)
  local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  if #lines == 1 and lines[1] == '' then
    lines = {}
  end
  lines[#lines + 1] = line
  vim.api.nvim_buf_set_lines(0, 0, -1, true, lines)
  vim.cmd('silent write | quit')
  return { before = before, current = { current.proposal.run, current.hunk.id }, lines = lines }
end

--- What happens when the user rests: hunks are located and drawn anew.
function ops.rest(buf)
  local board = boards.of(buf)
  if board then
    boards.refresh(board)
  end
  vim.cmd.redraw()
  local drawn = {}
  local namespace = vim.api.nvim_get_namespaces().vivek_proposal
  local marks = namespace and vim.api.nvim_buf_get_extmarks(buf, namespace, 0, -1, { details = true })
  for _, mark in ipairs(marks or {}) do
    if mark[4].hl_group == 'VivekDelete' then
      for row = mark[2], mark[4].end_row - 1 do
        drawn[#drawn + 1] = row + 1
      end
    end
  end
  local pending, run = proposals.pending_text(buf)
  return { drawn = drawn, pending = pending and pending.lines, run = run }
end

--- Steps of one tick, with nothing between them.
function M.steps(steps)
  vim.v.errmsg = ''
  local looks = {}
  for index, step in ipairs(steps) do
    local name, buf = step[1], M.buffers[step[2]]
    if index == 1 and vim.api.nvim_buf_is_loaded(buf) then
      break_undo(buf)
    end
    local arguments = vim.list_slice(step, 3)
    if name == 'unload' then
      arguments[1] = M.buffers[arguments[1]]
    end
    local told = ops[name](buf, unpack(arguments))
    looks[index] = look()
    looks[index].told = told
  end
  return looks
end

return M
