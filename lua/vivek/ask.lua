--- One ask from the buffer to the proposal: snapshot, message to the Python side, and its events to whoever
--- shows them.
---
--- Several may be at work at once, also on the same lines. What it doesn't do: draw, or change a buffer.

local capture = require('vivek.capture')
local complete = require('vivek.complete')
local host = require('vivek.host')
local journal = require('vivek.journal')
local lifecycle = require('vivek.lifecycle')
local message = require('vivek.message')
local mode = require('vivek.mode')
local outcome = require('vivek.outcome')
local preview = require('vivek.preview')
local progress = require('vivek.progress')
local proposals = require('vivek.proposals')
local report = require('vivek.report')
local runs = require('vivek.runs')
local scratch = require('vivek.scratch')
local sources = require('vivek.sources')
local tests = require('vivek.tests')

local M = {}

---@class vivek.Ask : vivek.Snapshot, vivek.RunTerms
---@field run string
---@field instruction string
---@field mode vivek.Mode
---@field base? { lines: string[], eol: boolean } the buffer itself, where `lines` has pending hunks in it
---@field unsaved? vivek.Unsaved[] the files that tests may go into, as buffers have them

---@class vivek.Origin what an ask was asked from, and for
---@field seen string[]
---@field follows? string
---@field mode vivek.Mode
---@field into_tests? boolean
---@field vertical? boolean

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
      outcome.tell(run, placed)
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
        outcome.tell(run)
      end,
    })
  end
end

---@type vivek.Follower
local FOLLOWER = {
  event = function(run, event)
    aim(run, event.target)
    show(run, event)
  end,
  ended = function(run, event)
    journal.event(event)
    if not vim.api.nvim_buf_is_loaded(run.buf) then
      -- It comes by itself: within one line of 80 columns, so that Neovim does not ask for a key.
      message.warn('The buffer is closed. The scratch buffer has the reply.')
    else
      local ok, fault = xpcall(propose, debug.traceback, run, event.result)
      if not ok then
        -- The run must not seem to go on for ever, nor its reply be lost.
        message.log(fault .. '\n')
        return lifecycle.fail(run, 'InternalError', 'The hunks cannot be shown.', message.log_hint())
      end
    end
    finish(run)
    show(run, event)
  end,
  failed = function(run, event)
    journal.event(event)
    finish(run)
    show(run, event)
  end,
  stopping = function(run)
    preview.clear(run.id)
  end,
}

for _, kind in ipairs({ 'start', 'notice', 'node', 'prompt', 'progress', 'retry', 'text', 'reply' }) do
  -- What still comes of a run that was ended here is kept all the same.
  host.on(kind, journal.event)
end

---@param buf integer
---@param base string[] the buffer's lines, as Neovim holds them
---@param eol boolean
---@param snapshot vivek.Snapshot
---@param instruction string
---@param origin vivek.Origin
local function begin(buf, base, eol, snapshot, instruction, origin)
  local terms = lifecycle.terms(snapshot)
  if not terms then
    return
  end
  outcome.catch_up()
  local run = runs.add({
    id = lifecycle.next_id(),
    follower = FOLLOWER,
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
  local asked = {
    run = run.id,
    instruction = instruction,
    mode = origin.mode,
    unsaved = origin.into_tests and capture.unsaved(buf) or nil,
  }
  lifecycle.send(run, 'vivek_ask', vim.tbl_extend('error', snapshot, asked, terms))
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
  local current = options.buf or vim.api.nvim_get_current_buf()
  local buf = sources.of(current) or current
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
  if scratch.source_of(current) then
    snapshot, origin.follows = follow_up(buf, run_at_cursor())
  else
    -- In a report, a range of lines would be one of the report's.
    local range = buf == current and (options.range or capture.selected()) or nil
    snapshot = capture.snapshot(buf, range)
    snapshot.cursor = options.line or snapshot.cursor
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
