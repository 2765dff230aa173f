--- One ask from the buffer to the proposal: snapshot, message to the Python side, and its events to whoever
--- shows them.
---
--- It keeps the runs: which buffer each belongs to and the text that its edits are made for. What it doesn't
--- do: draw, or change a buffer.

local capture = require('vivek.capture')
local complete = require('vivek.complete')
local config = require('vivek.config')
local host = require('vivek.host')
local journal = require('vivek.journal')
local message = require('vivek.message')
local preview = require('vivek.preview')
local progress = require('vivek.progress')
local proposals = require('vivek.proposals')
local scratch = require('vivek.scratch')
local trust = require('vivek.trust')

local M = {}

---@class vivek.Run
---@field id string
---@field buf integer the source buffer
---@field path string
---@field base string[] the lines that the edits are made for, as Neovim holds them
---@field eol boolean
---@field asked? string[] the lines that were asked about, where they are not the buffer's: a proposal's
---@field target? integer extmark over the lines that the run is about
---@field running boolean
---@field instruction string
---@field seen string[] runs whose hunks were open at the ask
---@field follows? string the run whose proposal it works on
---@field heard? boolean whether an event of it has come

---@class vivek.Ask : vivek.Snapshot
---@field run string
---@field instruction string
---@field base? { lines: string[], eol: boolean } the buffer itself, where `lines` has pending hunks in it
---@field config vivek.RunConfig
---@field trusted boolean
---@field project? vivek.ProjectFile what the project's own settings say, where the user trusts them

local namespace = vim.api.nvim_create_namespace('vivek.ask')
local group = vim.api.nvim_create_augroup('vivek_ask', { clear = true })
-- The Python side ends a stopped run within 200 ms; where it cannot, the run is ended here. One that nothing
-- was heard of yet (Python is starting) has nothing to offer, and is not waited for.
local STOP_MS = 2000
local SILENT_STOP_MS = 100

---@type table<string, vivek.Run>
local runs = {}
local count = 0

---@return string
local function next_id()
  count = count + 1
  return ('%d-%x-%d'):format(vim.uv.os_getpid(), vim.uv.hrtime(), count)
end

---@param buf integer
---@return vivek.Run?
local function running_on(buf)
  for _, run in pairs(runs) do
    if run.running and run.buf == buf then
      return run
    end
  end
end

--- The last run of a buffer that has ended.
---@param buf integer
---@return vivek.Run?
local function ended_on(buf)
  for _, run in pairs(runs) do
    if not run.running and run.buf == buf then
      return run
    end
  end
end

--- Mark lines, so that they are known after the text around them has changed.
---@param run vivek.Run
---@param first integer
---@param last integer
local function mark_target(run, first, last)
  local lines = vim.api.nvim_buf_line_count(run.buf)
  first = math.min(first, lines)
  run.target = vim.api.nvim_buf_set_extmark(run.buf, namespace, first - 1, 0, {
    id = run.target,
    end_row = math.min(math.max(last, first), lines),
    end_col = 0,
    strict = false,
  })
end

--- The lines that a run was about, where they are now.
---@param run vivek.Run
---@return [integer, integer]?
local function target_of(run)
  local mark = run.target
    and vim.api.nvim_buf_get_extmark_by_id(run.buf, namespace, run.target, { details = true })
  if mark and mark[1] then
    return { mark[1] + 1, math.max(mark[3].end_row, mark[1] + 1) }
  end
end

---@param run vivek.Run
local function forget(run)
  runs[run.id] = nil
  if run.target and vim.api.nvim_buf_is_valid(run.buf) then
    vim.api.nvim_buf_del_extmark(run.buf, namespace, run.target)
  end
end

--- An ask from the scratch buffer works on the proposal, as if it were applied, or else on the lines of the
--- last run.
---@param buf integer the source buffer
---@return vivek.Snapshot
---@return string? follows the run whose proposal it works on
local function follow_up(buf)
  local pending, follows = proposals.pending_text(buf)
  local ended = ended_on(buf)
  local snapshot = capture.snapshot(buf, not pending and ended and target_of(ended) or nil)
  if not pending then
    return snapshot
  end
  return vim.tbl_extend('force', snapshot, {
    base = { lines = snapshot.lines, eol = snapshot.eol },
    lines = capture.from_lines(pending.lines),
    eol = pending.eol,
    selection = true,
    first = pending.first,
    last = pending.last,
    cursor = pending.first,
    -- They are about lines of the buffer, not of the proposal.
    diagnostics = {},
  }),
    follows
end

--- Tell the Python side what became of a proposal: it is the conversation's memory.
---@param run vivek.Run
local function send_outcome(run)
  if host.running() and vim.api.nvim_buf_is_valid(run.buf) then
    local outcome = proposals.outcome(run.buf, run.id)
    local about = { path = run.path, buffer = capture.identity(run.buf), run = run.id }
    host.notify('vivek_outcome', vim.tbl_extend('error', about, outcome))
  end
end

---@param event vivek.Event
local function show(event)
  scratch.event(event)
  progress.event(event)
  preview.event(runs[event.run], event)
end

---@param run vivek.Run
local function finish(run)
  run.running = false
  local earlier = vim.tbl_filter(function(other)
    return other ~= run and other.buf == run.buf and not other.running
  end, vim.tbl_values(runs))
  vim.tbl_map(forget, earlier)
end

---@param run vivek.Run
---@param result table
local function propose(run, result)
  local target = result.target and { result.target.first, result.target.last }
  if target and not run.target then
    mark_target(run, target[1], target[2])
  end
  if #result.edits > 0 then
    proposals.show(run.buf, run.id, run.base, result.edits, {
      eol = run.eol,
      target = target,
      label = run.instruction,
      replaces = run.seen,
      follows = run.follows,
      on_change = function()
        send_outcome(run)
      end,
    })
  end
end

---@param run vivek.Run
---@param event vivek.Event
---@param told? boolean whether the user knows already
local function on_error(run, event, told)
  journal.event(event)
  finish(run)
  show(event)
  if event.error.kind == 'RunStoppedError' then
    message.info('Stopped.')
  elseif not told then
    message.error_line(event.error.message, event.error.hint)
  end
end

---@param run vivek.Run
---@param event vivek.Event
local function on_done(run, event)
  journal.event(event)
  if not vim.api.nvim_buf_is_loaded(run.buf) then
    -- It comes by itself: within one line of 80 columns, so that Neovim does not ask for a key.
    message.warn('The buffer is closed. The scratch buffer has the reply.')
  else
    local ok, fault = xpcall(propose, debug.traceback, run, event.result)
    if not ok then
      -- The run must not seem to go on for ever, nor its reply be lost.
      message.log(fault .. '\n')
      local failure =
        { kind = 'InternalError', message = 'The hunks cannot be shown.', hint = message.log_hint() }
      return on_error(run, { kind = 'error', run = run.id, error = failure })
    end
  end
  finish(run)
  show(event)
end

--- Run a handler for the events of runs that are not over.
---@param handler fun(run: vivek.Run, event: vivek.Event)
---@return fun(event: vivek.Event)
local function of_run(handler)
  return function(event)
    local run = runs[event.run]
    if run and run.running then
      run.heard = true
      handler(run, event)
    end
  end
end

for _, kind in ipairs({ 'start', 'notice', 'node', 'prompt', 'progress', 'retry', 'text', 'reply' }) do
  -- What still comes of a run that was ended here is kept all the same.
  host.on(kind, journal.event)
  host.on(
    kind,
    of_run(function(_, event)
      show(event)
    end)
  )
end
host.on('done', of_run(on_done))
host.on('error', of_run(on_error))
host.on('exit', function(exit)
  for _, run in pairs(vim.tbl_extend('error', runs, {})) do
    if run.running then
      local failure = { kind = 'HostExited', message = exit.text, hint = exit.hint }
      on_error(run, { kind = 'error', run = run.id, error = failure }, true)
    end
  end
end)

---@param run vivek.Run
local function stop_run(run)
  preview.clear(run.id)
  if host.running() then
    host.notify('vivek_stop', { run = run.id })
  end
  vim.defer_fn(function()
    if run.running then
      local failure = { kind = 'RunStoppedError', message = 'Stopped.', hint = '' }
      on_error(run, { kind = 'error', run = run.id, error = failure })
    end
  end, run.heard and STOP_MS or SILENT_STOP_MS)
end

--- A run whose buffer is wiped out has no place to show a result in.
---@param run vivek.Run
local function watch_buffer(run)
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = run.buf,
    once = true,
    callback = function()
      if run.running then
        stop_run(run)
      else
        forget(run)
      end
    end,
  })
end

---@param buf integer
---@return boolean busy
local function told_busy(buf)
  local busy = running_on(buf) ~= nil
  if busy then
    message.warn('A run is still at work on this buffer. :VivekStop stops it.')
  end
  return busy
end

---@param buf integer
---@param base string[] the buffer's lines, as Neovim holds them
---@param eol boolean
---@param snapshot vivek.Snapshot
---@param instruction string
---@param origin { seen: string[], follows?: string }
local function begin(buf, base, eol, snapshot, instruction, origin)
  -- Before anything is shown, for it may ask the user.
  local project = snapshot.path ~= '' and trust.project(snapshot.path) or nil
  local channel, text, hint = host.start()
  if not channel then
    return message.error(text --[[@as string]], hint)
  end
  local run = { id = next_id(), buf = buf, path = snapshot.path, base = base, eol = eol, running = true }
  run.asked = snapshot.base and snapshot.lines
  run.instruction, run.seen, run.follows = instruction, origin.seen, origin.follows
  runs[run.id] = run
  watch_buffer(run)
  local first, last = snapshot.first or snapshot.cursor, snapshot.last or snapshot.cursor
  if snapshot.selection and not snapshot.base then
    mark_target(run, first, last)
  end
  scratch.open(buf, run.id, instruction)
  progress.start(run.id, buf, first, last)
  journal.begin({
    id = run.id,
    path = run.path,
    buffer = snapshot.buffer,
    filetype = snapshot.filetype,
    instruction = instruction,
    base = base,
    eol = eol,
  })
  local ask = vim.tbl_extend('error', snapshot, {
    run = run.id,
    instruction = instruction,
    config = config.for_run(),
    trusted = config.trusts(snapshot.path ~= '' and snapshot.path or snapshot.cwd),
    project = project,
  })
  local sent
  sent, text, hint = host.notify('vivek_ask', ask)
  if not sent then
    on_error(
      run,
      { kind = 'error', run = run.id, error = { kind = 'HostExited', message = text, hint = hint } }
    )
  end
end

--- The lines that are selected, where a map runs the command from within visual mode (`<Cmd>VivekAsk<CR>`),
--- which hands over no range.
---@return [integer, integer]?
local function selected()
  if vim.api.nvim_get_mode().mode:find('^[vV\22]') then
    return { vim.fn.line('v'), vim.fn.line('.') }
  end
end

--- Ask. The text is captured at once, whatever is typed while the question for an instruction is open.
---@param options vivek.AskOptions
function M.ask(options)
  local current = vim.api.nvim_get_current_buf()
  local source = scratch.source_of(current)
  local buf = source or current
  if not vim.api.nvim_buf_is_loaded(buf) then
    return message.error('The buffer that this proposal is for is closed.', 'Open its file and ask there.')
  elseif told_busy(buf) then
    return
  end
  local base, eol = vim.api.nvim_buf_get_lines(buf, 0, -1, false), capture.eol(buf)
  local origin = { seen = proposals.open_runs(buf) }
  local snapshot
  if source then
    snapshot, origin.follows = follow_up(buf)
  else
    snapshot = capture.snapshot(buf, options.range or selected())
  end
  if vim.trim(options.instruction or '') ~= '' then
    return begin(buf, base, eol, snapshot, vim.trim(options.instruction), origin)
  end
  vim.ui.input({
    prompt = 'Vivek: ',
    completion = "customlist,v:lua.require'vivek.complete'.input",
  }, function(answer)
    local instruction = vim.trim(answer or '')
    if instruction ~= '' and vim.api.nvim_buf_is_loaded(buf) and not told_busy(buf) then
      complete.remember(instruction)
      begin(buf, base, eol, snapshot, instruction, origin)
    end
  end)
end

--- Stop the run of a buffer, or all runs where it has none.
---@param buf integer
function M.stop(buf)
  local own = running_on(buf)
  local stopping = own and { own }
    or vim.tbl_filter(function(run)
      return run.running
    end, vim.tbl_values(runs))
  if #stopping == 0 then
    return message.info('Nothing is running.')
  end
  vim.tbl_map(stop_run, stopping)
end

--- Begin a fresh conversation on a buffer's file.
---@param buf integer
function M.new(buf)
  local sent, text, hint =
    host.notify('vivek_new', { path = capture.path(buf), buffer = capture.identity(buf) })
  if not sent then
    return message.error(text --[[@as string]], hint)
  end
  message.info('The next ask begins a new conversation.')
end

return M
