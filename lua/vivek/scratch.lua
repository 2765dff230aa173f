--- The scratch buffer: what the model is doing and writing, as it comes, one buffer for each source buffer.
---
--- It bridges the events of runs and a window beside the source. Text is queued and written a few times a
--- second, at the end only, so a fast model costs no more than a slow one. What it doesn't do: change the
--- source buffer.

local config = require('vivek.config')
local highlight = require('vivek.highlight')
local keys = require('vivek.keys')
local message = require('vivek.message')
local report = require('vivek.report')

local M = {}

local given = report.given
local NAMESPACE = vim.api.nvim_create_namespace('vivek_scratch')
local FLUSH_MS = 40
-- Narrower than this, code in a window beside another one is not readable: the window opens below instead.
local LEAST_COLUMNS, SOURCE_COLUMNS = 40, 60

---@class vivek.Scratch
---@field buf integer
---@field source integer
---@field queue string[] what is to be written
---@field tail string the last two characters of buffer and queue
---@field lines integer number of the line (1-based) that the queue will end in
---@field marks { line: integer, group: string }[] highlights for lines that are to be written
---@field status string what the bar of its windows tells
---@field timer uv.uv_timer_t?

---@class vivek.ScratchRun
---@field scratch vivek.Scratch
---@field raw string[] the replies, in full
---@field section string[] the reply of the node at work
---@field node string which that is

---@type table<integer, vivek.Scratch> by scratch buffer
local scratches = {}
---@type table<string, vivek.ScratchRun>
local runs = {}

-- What stands in answers besides code.
local MARKUP = {
  [[syntax match VivekTitle /^# .*/]],
  [[syntax match VivekNode /^#\{2,6} .*/]],
  [[syntax match VivekStrong /\*\*[^*]\+\*\*/]],
  [[syntax match VivekCode /`[^`]\+`/]],
}
local FENCE = [[start=/^\s*\z(`\{3,}\|\~\{3,}\).*$/ end=/^\s*\z1\s*$/]]

--- Highlight the code by the syntax file of the source's language: Neovim has one for nearly every file type,
--- and growing text costs it nothing, while tree-sitter parses code within Markdown anew with each piece that
--- comes.
---@param buf integer
---@param filetype string the source's
local function highlight_as(buf, filetype)
  local language = filetype:match('^[%w_-]+') or ''
  local known = #vim.api.nvim_get_runtime_file(('syntax/%s.vim'):format(language), false) > 0
  vim.api.nvim_buf_call(buf, function()
    vim.tbl_map(vim.cmd, MARKUP)
    if known then
      vim.cmd(('syntax include @VivekLanguage syntax/%s.vim'):format(language))
    end
    local contained = known and 'contains=@VivekLanguage' or ''
    vim.cmd(('syntax region VivekFence matchgroup=VivekStats keepend %s %s'):format(FENCE, contained))
    vim.cmd('syntax sync fromstart')
    vim.b.current_syntax = 'vivek'
  end)
end

---@param source integer
---@return string
local function name_of(source)
  local path = vim.api.nvim_buf_get_name(source)
  return 'vivek://' .. (path ~= '' and path or ('buffer-%d'):format(source))
end

---@param source integer
---@return vivek.Scratch
local function create(source)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buf, name_of(source))
  local options = vim.bo[buf]
  options.buftype, options.bufhidden, options.swapfile, options.undolevels = 'nofile', 'hide', false, -1
  options.filetype = 'vivek'
  options.modifiable = false
  highlight_as(buf, vim.bo[source].filetype)
  local scratch =
    { buf = buf, source = source, queue = {}, tail = '\n\n', lines = 1, marks = {}, status = '' }
  scratches[buf] = scratch
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      scratches[buf] = nil
    end,
  })
  return scratch
end

--- The scratch buffer of a source buffer.
---@param source integer
---@return integer? buf nil where there is none
function M.of(source)
  for buf, scratch in pairs(scratches) do
    if scratch.source == source then
      return buf
    end
  end
end

--- The scratch buffer of a file that was closed and opened again goes on with it.
---@param source integer
---@return vivek.Scratch?
local function adopted(source)
  local name = name_of(source)
  for buf, scratch in pairs(scratches) do
    if not vim.api.nvim_buf_is_valid(scratch.source) and vim.api.nvim_buf_get_name(buf) == name then
      scratch.source = source
      return scratch
    end
  end
end

---@param source integer
---@return integer
local function window_of(source)
  if vim.api.nvim_get_current_buf() == source then
    return vim.api.nvim_get_current_win()
  end
  local win = vim.fn.bufwinid(source)
  return win ~= -1 and win or 0
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

---@param scratch vivek.Scratch
---@return boolean
local function is_visible(scratch)
  return vim.iter(vim.api.nvim_tabpage_list_wins(0)):any(function(win)
    return vim.api.nvim_win_get_buf(win) == scratch.buf
  end)
end

---@param scratch vivek.Scratch
local function show_window(scratch)
  if is_visible(scratch) then
    return
  end
  local ok, win = pcall(vim.api.nvim_open_win, scratch.buf, false, placement(window_of(scratch.source)))
  if not ok then
    -- No room is no reason to leave the ask undone.
    return message.warn('There is no room for the scratch window: the next ask opens it.')
  end
  local options = {
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
  for name, value in pairs(options) do
    vim.api.nvim_set_option_value(name, value, { win = win, scope = 'local' })
  end
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(scratch.buf), 0 })
end

--- The windows that show the end of the text and go on showing it.
---@param buf integer
---@return integer[]
local function following(buf)
  local last = vim.api.nvim_buf_line_count(buf)
  local selecting = vim.api.nvim_get_mode().mode:find('^[vV\22]')
  return vim.tbl_filter(function(win)
    local in_use = selecting and win == vim.api.nvim_get_current_win()
    return not in_use and vim.api.nvim_win_get_cursor(win)[1] == last
  end, vim.fn.win_findbuf(buf))
end

---@param buf integer
---@param lines string[]
local function append_lines(buf, lines)
  local row = vim.api.nvim_buf_line_count(buf) - 1
  local column = #vim.api.nvim_buf_get_lines(buf, row, row + 1, true)[1]
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_text(buf, row, column, row, column, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
end

--- Write what is queued.
---@param scratch vivek.Scratch
local function flush(scratch)
  if scratch.timer then
    scratch.timer:close()
    scratch.timer = nil
  end
  local text = table.concat(scratch.queue)
  scratch.queue = {}
  if not vim.api.nvim_buf_is_loaded(scratch.buf) then
    return
  end
  if text ~= '' then
    local followers = following(scratch.buf)
    append_lines(scratch.buf, vim.split(text, '\n', { plain = true }))
    local last = vim.api.nvim_buf_line_count(scratch.buf)
    for _, win in ipairs(followers) do
      vim.api.nvim_win_set_cursor(win, { last, 0 })
    end
  end
  for _, mark in ipairs(scratch.marks) do
    vim.api.nvim_buf_set_extmark(scratch.buf, NAMESPACE, mark.line - 1, 0, {
      end_row = mark.line,
      hl_group = mark.group,
      strict = false,
    })
  end
  scratch.marks = {}
end

---@param scratch vivek.Scratch
local function flush_soon(scratch)
  if not scratch.timer then
    scratch.timer = assert(vim.uv.new_timer())
    scratch.timer:start(
      FLUSH_MS,
      0,
      vim.schedule_wrap(function()
        flush(scratch)
      end)
    )
  end
end

---@param scratch vivek.Scratch
---@param text string
local function write(scratch, text)
  if text == '' then
    return
  end
  scratch.queue[#scratch.queue + 1] = text
  scratch.tail = (scratch.tail .. text:sub(-2)):sub(-2)
  scratch.lines = scratch.lines + select(2, text:gsub('\n', ''))
  flush_soon(scratch)
end

--- Go on below one empty line.
---@param scratch vivek.Scratch
local function new_paragraph(scratch)
  if scratch.tail:sub(-1) ~= '\n' then
    write(scratch, '\n\n')
  elseif scratch.tail ~= '\n\n' then
    write(scratch, '\n')
  end
end

---@param scratch vivek.Scratch
---@param text string
---@param group string?
local function write_line(scratch, text, group)
  if group then
    table.insert(scratch.marks, { line = scratch.lines, group = group })
  end
  write(scratch, text:gsub('%s*\n%s*', ' ') .. '\n')
end

--- The fence that a reply leaves open, which would swallow what is written after it.
---@param text string
---@return string?
local function open_fence(text)
  local open
  for line in text:gmatch('[^\n]+') do
    local fence = line:match('^%s*(```+)') or line:match('^%s*(~~~+)')
    if fence and not open then
      open = fence
    elseif fence and vim.startswith(fence, open) and line:match('^%s*[`~]+%s*$') then
      open = nil
    end
  end
  return open
end

---@param run vivek.ScratchRun
local function end_section(run)
  local fence = open_fence(table.concat(run.section))
  if fence then
    write(run.scratch, (run.scratch.tail:sub(-1) == '\n' and '' or '\n') .. fence .. '\n')
  end
  run.section = {}
end

--- Tell in the window's bar what is going on: there it stays in sight, and a yank does not carry it.
---@param scratch vivek.Scratch
---@param status string
local function show_status(scratch, status)
  scratch.status = status
  if not vim.api.nvim_buf_is_loaded(scratch.buf) then
    return
  end
  for _, win in ipairs(vim.fn.win_findbuf(scratch.buf)) do
    vim.api.nvim_set_option_value('winbar', status:gsub('%%', '%%%%') .. '%<', { win = win, scope = 'local' })
  end
end

---@param source integer
---@param hunks integer
---@return string
local function key_line(source, hunks)
  local function hint(name, text)
    return ('%s %s'):format(keys.label(source, name), text)
  end
  local parts = { hint('apply', 'apply'), hint('reject', 'reject') }
  if hunks > 1 then
    vim.list_extend(parts, { hint('next', 'next'), hint('prev', 'previous') })
    vim.list_extend(parts, { hint('apply_all', 'apply all'), hint('reject_all', 'reject all') })
  end
  return table.concat(parts, ' · ')
end

---@param run vivek.ScratchRun
---@param result table
local function write_result(run, result)
  local scratch = run.scratch
  local answer = given(result.answer)
  if answer and answer ~= '' and #run.raw == 0 then
    new_paragraph(scratch)
    write(scratch, answer)
  end
  new_paragraph(scratch)
  show_status(scratch, report.result(result))
  write_line(scratch, report.result(result), #result.edits > 0 and 'VivekOk' or 'VivekTitle')
  local warning = given(result.warning) or ''
  if warning ~= '' then
    write_line(scratch, warning, 'VivekNotice')
  end
  for _, check in ipairs(given(result.checks) or {}) do
    if not check.passed then
      write_line(scratch, ('✗ %s: %s'):format(check.name, given(check.detail) or ''), 'VivekNotice')
    end
  end
  if #result.edits > 0 and vim.api.nvim_buf_is_valid(scratch.source) then
    write_line(scratch, key_line(scratch.source, #result.edits), 'VivekHint')
  end
end

---@param run vivek.ScratchRun
---@param failure table
local function write_error(run, failure)
  local scratch, partial = run.scratch, given(failure.partial) or ''
  if partial ~= '' and #run.raw == 0 then
    run.raw[1] = partial
    new_paragraph(scratch)
    write(scratch, partial)
    run.section = { partial }
    end_section(run)
  end
  new_paragraph(scratch)
  show_status(scratch, failure.message)
  write_line(scratch, failure.message, 'VivekError')
  if given(failure.hint) and failure.hint ~= '' then
    write_line(scratch, failure.hint)
  end
end

---@type table<string, fun(run: vivek.ScratchRun, event: table)>
local HANDLERS = {
  start = function(run, event)
    write_line(run.scratch, report.model(event), 'VivekStats')
  end,
  notice = function(run, event)
    write_line(run.scratch, event.text, 'VivekNotice')
  end,
  prompt = function(run, event)
    write_line(run.scratch, event.text, event.whole and 'VivekStats' or 'VivekNotice')
  end,
  node = function(run, event)
    local detail = given(event.detail) or ''
    end_section(run)
    new_paragraph(run.scratch)
    run.node = report.node(event)
    write_line(run.scratch, '## ' .. run.node)
    show_status(run.scratch, run.node)
    if detail ~= '' then
      write_line(run.scratch, detail)
    end
  end,
  progress = function(run, event)
    show_status(run.scratch, ('%s · %s'):format(run.node, report.phase(event)))
  end,
  retry = function(run, event)
    -- What came before stays readable, and the reply begins anew below.
    end_section(run)
    write_line(run.scratch, report.retry(event), 'VivekNotice')
    show_status(run.scratch, ('%s · waiting to try again'):format(run.node))
  end,
  text = function(run, event)
    if #run.section == 0 then
      new_paragraph(run.scratch)
    end
    table.insert(run.raw, event.text)
    table.insert(run.section, event.text)
    write(run.scratch, event.text)
  end,
  done = function(run, event)
    end_section(run)
    write_result(run, event.result)
    flush(run.scratch)
  end,
  error = function(run, event)
    end_section(run)
    write_error(run, event.error)
    flush(run.scratch)
  end,
}

--- Open the scratch buffer of a source buffer in a window, the cursor staying where it is, and begin a run in
--- it.
---@param source integer
---@param run string
---@param instruction string
---@return integer buf
function M.open(source, run, instruction)
  highlight.setup()
  local existing = M.of(source)
  local scratch = existing and scratches[existing] or adopted(source) or create(source)
  new_paragraph(scratch)
  runs[run] = { scratch = scratch, raw = {}, section = {}, node = 'planner' }
  write_line(scratch, '# ' .. instruction)
  flush(scratch)
  show_window(scratch)
  show_status(scratch, 'starting')
  return scratch.buf
end

--- Show what an event of a run tells.
---@param event table
function M.event(event)
  local run, handler = runs[event.run], HANDLERS[event.kind]
  if run and handler then
    handler(run, event)
  end
end

--- The source buffer that a scratch buffer belongs to; it may have been closed since.
---@param buf integer
---@return integer? source nil where the buffer is no scratch buffer
function M.source_of(buf)
  local scratch = scratches[buf]
  return scratch and scratch.source
end

--- What the model wrote in a run, every attempt of it, character for character.
---@param run string
---@return string
function M.text(run)
  return runs[run] and table.concat(runs[run].raw) or ''
end

return M
