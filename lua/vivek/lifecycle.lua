--- The course of a run: its events go to whoever follows it, it can be stopped, and it ends once.
---
--- It bridges the host and the kinds of runs there are. What it doesn't do: know what an event means, or show
--- anything of a run.

local config = require('vivek.config')
local host = require('vivek.host')
local message = require('vivek.message')
local runs = require('vivek.runs')
local trust = require('vivek.trust')

local M = {}

---@class vivek.Follower what a kind of run does with its events
---@field event fun(run: vivek.Run, event: vivek.Event) it got on
---@field ended fun(run: vivek.Run, event: vivek.Event) it came to a result
---@field failed fun(run: vivek.Run, event: vivek.Event) it failed, or was stopped without a result
---@field stopping? fun(run: vivek.Run) the user has stopped it

-- The Python side ends a stopped run within 200 ms; where it cannot, the run is ended here. One that nothing
-- was heard of yet (Python is starting) has nothing to offer, and is not waited for.
local STOP_MS = 2000
local SILENT_STOP_MS = 100

local count = 0

--- An id that no other run has, in this Neovim or another.
---@return string
function M.next_id()
  count = count + 1
  return ('%d-%x-%d'):format(vim.uv.os_getpid(), vim.uv.hrtime(), count)
end

---@class vivek.RunTerms what every run is told of the user's settings
---@field config vivek.RunConfig
---@field trusted boolean
---@field project? vivek.ProjectFile what the project's own settings say, where the user trusts them

--- Start the host, and gather what a run may do. It may ask the user: call it before anything is shown.
---@param snapshot vivek.Snapshot
---@return vivek.RunTerms? terms nil where the host cannot be started; the user is told
function M.terms(snapshot)
  local project = snapshot.path ~= '' and trust.project(snapshot.path) or nil
  local channel, text, hint = host.start()
  if not channel then
    message.error(text --[[@as string]], hint)
    return nil
  end
  return {
    config = config.for_run(),
    trusted = config.trusts(snapshot.path ~= '' and snapshot.path or snapshot.cwd),
    project = project,
  }
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
  run.follower.failed(run, event)
  if event.error.kind == 'RunStoppedError' then
    tell_stopped()
  elseif not told then
    message.error_line(event.error.message, event.error.hint)
  end
end

--- End a run for a failure.
---@param run vivek.Run
---@param kind string
---@param text string
---@param hint? string
---@param told? boolean whether the user knows already
function M.fail(run, kind, text, hint, told)
  local failure = { kind = kind, message = text, hint = hint or '' }
  on_error(run, { kind = 'error', run = run.id, error = failure }, told)
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

-- Those of an ask, and of a review.
local STEPS = { 'start', 'notice', 'node', 'prompt', 'progress', 'retry', 'text', 'reply', 'finding' }
for _, kind in ipairs(STEPS) do
  host.on(
    kind,
    of_run(function(run, event)
      run.follower.event(run, event)
    end)
  )
end
for _, kind in ipairs({ 'done', 'reviewed' }) do
  host.on(
    kind,
    of_run(function(run, event)
      run.follower.ended(run, event)
    end)
  )
end
host.on('error', of_run(on_error))
host.on('exit', function(exit)
  for _, run in ipairs(runs.at_work()) do
    M.fail(run, 'HostExited', exit.text, exit.hint, true)
  end
end)

--- Send what a run is asked for. Where it cannot be sent, the run ends.
---@param run vivek.Run
---@param method string
---@param payload table
function M.send(run, method, payload)
  local sent, text, hint = host.notify(method, payload)
  if not sent then
    M.fail(run, 'HostExited', text --[[@as string]], hint)
  end
end

---@param run vivek.Run
function M.stop(run)
  run.stopping = true
  if run.follower.stopping then
    run.follower.stopping(run)
  end
  if host.running() then
    host.notify('vivek_stop', { run = run.id })
  end
  vim.defer_fn(function()
    if run.running then
      M.fail(run, 'RunStoppedError', 'Stopped.')
    end
  end, run.heard and STOP_MS or SILENT_STOP_MS)
end

-- A run whose buffer is wiped out has no place to show a result in.
vim.api.nvim_create_autocmd('BufWipeout', {
  group = vim.api.nvim_create_augroup('vivek_lifecycle', { clear = true }),
  callback = function(arguments)
    vim.tbl_map(M.stop, runs.at_work(arguments.buf))
    vim.tbl_map(runs.forget, runs.ended(arguments.buf))
  end,
})

return M
