--- One ask from the buffer to the proposal: snapshot, message to the Python side, and its events to whoever
--- shows them.
---
--- Several may be at work at once, also on the same lines. What it doesn't do: draw, or change a buffer.

local capture = require('vivek.capture')
local complete = require('vivek.complete')
local config = require('vivek.config')
local host = require('vivek.host')
local journal = require('vivek.journal')
local message = require('vivek.message')
local mode = require('vivek.mode')
local preview = require('vivek.preview')
local progress = require('vivek.progress')
local proposals = require('vivek.proposals')
local report = require('vivek.report')
local runs = require('vivek.runs')
local scratch = require('vivek.scratch')
local sources = require('vivek.sources')
local tests = require('vivek.tests')
local trust = require('vivek.trust')

local M = {}

---@class vivek.Ask : vivek.Snapshot
---@field run string
---@field instruction string
---@field mode vivek.Mode
---@field base? { lines: string[], eol: boolean } the buffer itself, where `lines` has pending hunks in it
---@field config vivek.RunConfig
---@field trusted boolean
---@field project? vivek.ProjectFile what the project's own settings say, where the user trusts them
---@field unsaved? vivek.Unsaved[] the files that tests may go into, as buffers have them

---@class vivek.Origin what an ask was asked from, and for
---@field seen string[]
---@field follows? string
---@field mode vivek.Mode
---@field into_tests? boolean
---@field vertical? boolean

-- The Python side ends a stopped run within 200 ms; where it cannot, the run is ended here. One that nothing
-- was heard of yet (Python is starting) has nothing to offer, and is not waited for.
local STOP_MS = 2000
local SILENT_STOP_MS = 100

local count = 0

---@return string
local function next_id()
  count = count + 1
  return ('%d-%x-%d'):format(vim.uv.os_getpid(), vim.uv.hrtime(), count)
end

--- An ask from the scratch buffer works on a proposal, as if it were applied: on the one of the run that the
--- cursor is at, else on the latest. Where that run's hunks are decided, it works on the lines of that run,
--- and where there are no hunks at all, on those of the latest run.
---@param buf integer the source buffer
---@param run? vivek.Run the one that the cursor is at
---@return vivek.Snapshot
---@return string? follows the run whose proposal it works on
local function follow_up(buf, run)
  local is_decided = run and run.proposed and not vim.list_contains(proposals.open_runs(buf), run.id)
  local pending, follows
  if not is_decided then
    pending, follows = proposals.pending_text(buf, run and run.id)
  end
  local ended = runs.ended(buf)
  local about = run or ended[#ended]
  local snapshot = capture.snapshot(buf, not pending and about and runs.lines(about) or nil)
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
---@param placed? vivek.Placed where its hunks are, if not in its own buffer
local function send_outcome(run, placed)
  if host.running() and vim.api.nvim_buf_is_valid(run.buf) then
    local at = placed or { buf = run.buf, run = run.id }
    local outcome = proposals.outcome(at.buf, at.run)
    local about = { path = run.path, buffer = capture.identity(run.buf), run = run.id }
    host.notify('vivek_outcome', vim.tbl_extend('error', about, outcome))
  end
end

---@param run vivek.Run
---@param event vivek.Event
local function show(run, event)
  scratch.event(event)
  progress.event(event)
  preview.event(run, event)
end

--- A run that has ended matters as long as its section can be read: it can be followed up from there.
---@param run vivek.Run
local function finish(run)
  runs.finish(run)
  for _, ended in ipairs(runs.ended(run.buf)) do
    if not scratch.shows(ended.id) then
      runs.forget(ended)
    end
  end
end

--- Without a selection it is the planner that says which lines are meant.
---@param run vivek.Run
---@param target any
local function aim(run, target)
  if type(target) == 'table' and not run.aimed and vim.api.nvim_buf_is_loaded(run.buf) then
    runs.aim(run, target)
  end
end

---@param run vivek.Run
---@param result table
local function propose(run, result)
  local target = result.target and { result.target.first, result.target.last }
  aim(run, result.target)
  if run.into_tests and report.given(result.test_file) then
    result.placed = tests.propose(run, result.test_file, function(placed)
      send_outcome(run, placed)
    end)
  elseif #result.edits > 0 then
    run.proposed = true
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

--- Where several are stopped at once, it is said once: with the last of them.
local function tell_stopped()
  local is_stopping = vim.iter(runs.at_work()):any(function(run)
    return run.stopping
  end)
  if not is_stopping then
    message.info('Stopped.')
  end
end

---@param run vivek.Run
---@param event vivek.Event
---@param told? boolean whether the user knows already
local function on_error(run, event, told)
  journal.event(event)
  finish(run)
  show(run, event)
  if event.error.kind == 'RunStoppedError' then
    tell_stopped()
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
  show(run, event)
end

--- Run a handler for the events of runs that are not over.
---@param handler fun(run: vivek.Run, event: vivek.Event)
---@return fun(event: vivek.Event)
local function of_run(handler)
  return function(event)
    local run = runs.get(event.run)
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
    of_run(function(run, event)
      aim(run, event.target)
      show(run, event)
    end)
  )
end
host.on('done', of_run(on_done))
host.on('error', of_run(on_error))
host.on('exit', function(exit)
  local failure = { kind = 'HostExited', message = exit.text, hint = exit.hint }
  for _, run in ipairs(runs.at_work()) do
    on_error(run, { kind = 'error', run = run.id, error = failure }, true)
  end
end)

---@param run vivek.Run
local function stop_run(run)
  run.stopping = true
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

-- A run whose buffer is wiped out has no place to show a result in.
vim.api.nvim_create_autocmd('BufWipeout', {
  group = vim.api.nvim_create_augroup('vivek_ask', { clear = true }),
  callback = function(arguments)
    vim.tbl_map(stop_run, runs.at_work(arguments.buf))
    vim.tbl_map(runs.forget, runs.ended(arguments.buf))
  end,
})

---@param buf integer
---@param base string[] the buffer's lines, as Neovim holds them
---@param eol boolean
---@param snapshot vivek.Snapshot
---@param instruction string
---@param origin vivek.Origin
local function begin(buf, base, eol, snapshot, instruction, origin)
  -- Before anything is shown, for it may ask the user.
  local project = snapshot.path ~= '' and trust.project(snapshot.path) or nil
  local channel, text, hint = host.start()
  if not channel then
    return message.error(text --[[@as string]], hint)
  end
  local run = runs.add({
    id = next_id(),
    buf = buf,
    path = snapshot.path,
    base = base,
    eol = eol,
    asked = snapshot.base and snapshot.lines,
    instruction = instruction,
    seen = origin.seen,
    follows = origin.follows,
    into_tests = origin.into_tests,
    vertical = origin.vertical,
    running = true,
    aimed = false,
  })
  runs.guess(run, snapshot.cursor)
  if snapshot.selection then
    runs.aim(run, { first = snapshot.first, last = snapshot.last })
  end
  local lines = runs.lines(run) or { snapshot.cursor, snapshot.cursor }
  scratch.open(buf, run.id, instruction)
  progress.start(run.id, buf, lines[1], lines[2])
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
    mode = origin.mode,
    config = config.for_run(),
    trusted = config.trusts(snapshot.path ~= '' and snapshot.path or snapshot.cwd),
    project = project,
    unsaved = origin.into_tests and capture.unsaved(buf) or nil,
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

--- The run whose section of the scratch buffer the cursor is in.
---@return vivek.Run?
local function run_at_cursor()
  local win = vim.api.nvim_get_current_win()
  local id = scratch.run_at(vim.api.nvim_win_get_buf(win), vim.api.nvim_win_get_cursor(win)[1])
  return id and runs.get(id)
end

--- Ask. The text is captured at once, whatever is typed while the question for an instruction is open.
---@param options vivek.AskOptions
function M.ask(options)
  if options.mode and not mode.check(options.mode) then
    return
  end
  local current = vim.api.nvim_get_current_buf()
  local source = scratch.source_of(current)
  local buf = source or current
  if not vim.api.nvim_buf_is_loaded(buf) then
    return message.error('The buffer that this proposal is for is closed.', 'Open its file and ask there.')
  end
  local base, eol = vim.api.nvim_buf_get_lines(buf, 0, -1, false), capture.eol(buf)
  local origin = {
    seen = proposals.open_runs(buf),
    mode = options.mode or mode.get(),
    into_tests = options.into_tests,
    vertical = options.vertical,
  }
  local snapshot
  if source then
    snapshot, origin.follows = follow_up(buf, run_at_cursor())
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
    if instruction ~= '' and vim.api.nvim_buf_is_loaded(buf) then
      complete.remember(instruction)
      begin(buf, base, eol, snapshot, instruction, origin)
    end
  end)
end

--- The run at work that the cursor is at, be it in the scratch buffer or in the source.
---@param buf integer the source buffer
---@return vivek.Run?
local function at_work_here(buf)
  if not scratch.source_of(vim.api.nvim_get_current_buf()) then
    return runs.at(buf, capture.cursor(buf))
  end
  local run = run_at_cursor()
  return run and run.running and run or nil
end

--- The runs that a stop without further words means.
---@return vivek.Run[]
local function meant()
  local buf = sources.current()
  local here, of_buffer = at_work_here(buf), runs.at_work(buf)
  here = here or of_buffer[#of_buffer]
  return here and { here } or runs.at_work()
end

--- Stop the run that the cursor is at, in the scratch buffer or in the source, else the latest of the buffer,
--- or every run where it has none.
---@param options { all?: boolean } all: every run
function M.stop(options)
  local stopping = options.all and runs.at_work() or meant()
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
