--- What a run is doing, at the selection (a spinner as virtual text), in the statusline and as User autocmds.
---
--- It bridges the events of runs and these three. One timer turns all spinners, and only while a run is at
--- work. What it doesn't do: keep anything of a run that has ended.

local draw = require('vivek.draw')
local highlight = require('vivek.highlight')
local report = require('vivek.report')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_progress')
local given = report.given
local FRAMES = { '⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏' }
local INTERVAL_MS = 100
-- What a statusline of 80 columns has room for beside a file's name.
local SEVERAL_COLUMNS = 56

---@alias vivek.RunKind 'ask'|'review'

---@class vivek.RunProgress
---@field run string
---@field kind vivek.RunKind
---@field buf integer
---@field mark integer? extmark over the lines at work
---@field doing vivek.Doing
---@field node string?
---@field attempt integer?
---@field phase string?
---@field tokens integer
---@field tokens_per_second number
---@field block integer? the one that a review is at, from 1 on
---@field blocks integer?
---@field began number ms

---@type table<string, vivek.RunProgress>
local runs = {}
---@type string[] the runs in the order of their start
local order = {}
local frame = 1
---@type uv.uv_timer_t?
local timer
local drawn_in_statusline = false

---@param pattern string
---@param data table
local function emit(pattern, data)
  vim.api.nvim_exec_autocmds('User', { pattern = pattern, modeline = false, data = data })
end

---@param state vivek.RunProgress
---@return table
local function data_of(state)
  return {
    run = state.run,
    kind = state.kind,
    buf = state.buf,
    block = state.block,
    blocks = state.blocks,
    node = state.node,
    attempt = state.attempt,
    phase = state.phase,
    tokens = state.tokens,
    tokens_per_second = state.tokens_per_second,
    seconds = (vim.uv.now() - state.began) / 1000,
  }
end

---@param state vivek.RunProgress
---@return string
local function elapsed(state)
  return report.elapsed((vim.uv.now() - state.began) / 1000)
end

---@param state vivek.RunProgress
---@return string
local function words(state)
  return state.doing.text .. elapsed(state)
end

--- The fullest words that fit beside a line in every window that shows it.
---@param state vivek.RunProgress
---@param row integer 0-based
---@return string
local function beside(state, row)
  local view = draw.view(state.buf)
  local room = view.wrap or view.width
  local line = vim.api.nvim_buf_get_lines(state.buf, row, row + 1, false)[1] or ''
  local used = vim.api.nvim_strwidth(draw.displayed(line, 0, view.tabstop))
  local left = room - (view.wrap and used % room or used)
  local brief, since = state.doing.brief, elapsed(state)
  for _, text in ipairs({ words(state), brief .. since, brief }) do
    local shown = (' %s %s '):format(FRAMES[frame], text)
    -- One column stands between the line and what is beside it.
    if vim.api.nvim_strwidth(shown) < left then
      return shown
    end
  end
  return (' %s '):format(FRAMES[frame])
end

---@param state vivek.RunProgress
local function show(state)
  if not state.mark or not vim.api.nvim_buf_is_loaded(state.buf) then
    return
  end
  local mark = vim.api.nvim_buf_get_extmark_by_id(state.buf, NAMESPACE, state.mark, { details = true })
  if not mark[1] then
    return
  end
  vim.api.nvim_buf_set_extmark(state.buf, NAMESPACE, mark[1], mark[2], {
    id = state.mark,
    end_row = mark[3].end_row,
    end_col = mark[3].end_col,
    strict = false,
    undo_restore = false,
    virt_text = { { beside(state, mark[1]), 'VivekSpinner' } },
    virt_text_pos = 'eol',
  })
end

---@param state vivek.RunProgress
local function erase(state)
  if state.mark and vim.api.nvim_buf_is_valid(state.buf) then
    vim.api.nvim_buf_del_extmark(state.buf, NAMESPACE, state.mark)
  end
end

local function redraw_statusline()
  if drawn_in_statusline then
    drawn_in_statusline = false
    vim.cmd.redrawstatus({ bang = true })
  end
end

local function tick()
  frame = frame % #FRAMES + 1
  for _, run in ipairs(order) do
    show(runs[run])
  end
  redraw_statusline()
end

local function start_timer()
  if not timer then
    timer = assert(vim.uv.new_timer())
    timer:start(INTERVAL_MS, INTERVAL_MS, vim.schedule_wrap(tick))
  end
end

local function stop_timer()
  if timer then
    timer:close()
    timer = nil
  end
end

--- Show that a run is at work on lines of a buffer.
---@param run string
---@param buf integer
---@param first integer 1-based
---@param last integer 1-based, inclusive
---@param kind? vivek.RunKind an ask where nil
function M.start(run, buf, first, last, kind)
  highlight.setup()
  ---@type vivek.RunProgress
  local state = {
    run = run,
    kind = kind or 'ask',
    buf = buf,
    doing = report.STARTING,
    tokens = 0,
    tokens_per_second = 0,
    began = vim.uv.now(),
  }
  local lines = vim.api.nvim_buf_line_count(buf)
  local row = math.max(math.min(first, lines), 1) - 1
  state.mark = vim.api.nvim_buf_set_extmark(buf, NAMESPACE, row, 0, {
    end_row = math.max(math.min(last, lines), row + 1) - 1,
    end_col = 0,
    strict = false,
  })
  runs[run] = state
  order[#order + 1] = run
  show(state)
  start_timer()
  emit('VivekStart', data_of(state))
  redraw_statusline()
end

---@type table<string, fun(state: vivek.RunProgress, event: table)>
local HANDLERS = {
  node = function(state, event)
    state.node, state.attempt = event.node, given(event.attempt)
    state.phase = event.node == 'reviewer' and 'reviewing' or nil
  end,
  progress = function(state, event)
    state.phase = event.phase
    state.block, state.blocks = given(event.block), given(event.blocks)
    state.tokens = given(event.tokens) or state.tokens
    state.tokens_per_second = given(event.tokens_per_second) or state.tokens_per_second
  end,
  retry = function(state)
    state.phase = 'waiting'
  end,
}

---@type table<string, string> the autocmd of each end
local ENDS = { done = 'VivekDone', reviewed = 'VivekReviewed', error = 'VivekError' }

--- Take in an event of a run. `done`, `reviewed` and `error` end it: hand them over once what it came to is
--- shown.
---@param event table
function M.event(event)
  local state, handler = runs[event.run], HANDLERS[event.kind]
  if not state then
    return
  elseif ENDS[event.kind] then
    return M.finish(state.run, event.kind, event.result or event.error)
  end
  state.doing = report.doing(event, state.doing)
  if handler then
    handler(state, event)
    emit('VivekProgress', data_of(state))
  end
end

--- End a run and tell so; a run that has ended is not told twice.
---@param run string
---@param status 'done'|'reviewed'|'error'
---@param data table? what becomes `data.result` or `data.error` of the autocmd
function M.finish(run, status, data)
  local state = runs[run]
  if not state then
    return
  end
  erase(state)
  runs[run] = nil
  order = vim.tbl_filter(function(other)
    return other ~= run
  end, order)
  if #order == 0 then
    stop_timer()
  end
  redraw_statusline()
  local told = data_of(state)
  told[status == 'error' and 'error' or 'result'] = data
  emit(ENDS[status], told)
end

--- What is going on, for a statusline; '' while nothing is.
---@return string
function M.statusline()
  drawn_in_statusline = true
  if #order == 0 then
    return ''
  end
  local all = vim.tbl_map(function(run)
    return runs[run].doing
  end, order)
  local text = #all > 1 and report.several(all, SEVERAL_COLUMNS) or words(runs[order[1]])
  return (('Vivek %s %s'):format(FRAMES[frame], text):gsub('%%', '%%%%'))
end

return M
