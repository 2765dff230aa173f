--- `:VivekReview`: one review from the buffer to its findings: snapshot, message to the Python side, and its
--- events to whoever shows them. What was found can be dismissed, and the report written to a file.
---
--- A buffer has one review at a time; a new one takes the place of the one before. What it doesn't do: find
--- anything, or change a buffer.

local capture = require('vivek.capture')
local chosen = require('vivek.review.chosen')
local config = require('vivek.config')
local diagnostics = require('vivek.review.diagnostics')
local findings = require('vivek.findings')
local host = require('vivek.host')
local lifecycle = require('vivek.lifecycle')
local lists = require('vivek.review.lists')
local message = require('vivek.message')
local progress = require('vivek.progress')
local report = require('vivek.review.report')
local runs = require('vivek.runs')
local sources = require('vivek.sources')
local words = require('vivek.report')

local M = {}

---@class vivek.ReviewOptions
---@field range? [integer, integer] first and last line, 1-based
---@field changed? boolean only what changed since HEAD

---@class vivek.ReviewRequest : vivek.Snapshot, vivek.RunTerms
---@field run string
---@field changed boolean
---@field model boolean whether a model is asked beside the static tools

-- A review goes through all of them; a file with more has other troubles.
local MOST_DIAGNOSTICS = 1000

---@type string? the run whose report is the last one
local last_run
---@type table<string, integer> how much Python was asked for besides reviews, and has not answered, by id
local requests = {}

--- Ask Python for something small. What comes of it is told by an event.
---@param id string
---@param method string
---@param payload table
local function request(id, method, payload)
  local sent, text, hint = host.notify(method, vim.tbl_extend('error', payload, { run = id }))
  if sent then
    requests[id] = (requests[id] or 0) + 1
  else
    message.error(text --[[@as string]], hint)
  end
end

--- Note that something small was answered.
---@param event vivek.Event
---@return boolean asked whether it was asked for
local function answered(event)
  local count = requests[event.run or ''] or 0
  if count > 0 then
    requests[event.run] = count > 1 and count - 1 or nil
  end
  return count > 0
end

---@param found vivek.Findings
local function show(found)
  diagnostics.show(found)
  lists.show(found)
  report.show(found)
end

---@param run vivek.Run
---@return vivek.Findings? found nil where another review of the buffer has begun since
local function found_by(run)
  local found = findings.of(run.buf)
  return found and found.run == run.id and found or nil
end

---@param run vivek.Run
---@param event vivek.Event
local function tell(run, event)
  if found_by(run) then
    report.event(run.buf, event)
  end
  progress.event(event)
end

---@param run vivek.Run
local function finish(run)
  runs.finish(run)
  -- Nothing follows up on a review.
  runs.forget(run)
end

---@type vivek.Follower
local FOLLOWER = {
  event = function(run, event)
    local found = found_by(run)
    if event.kind ~= 'finding' then
      tell(run, event)
    elseif found then
      findings.add(found, event.finding, event.folded or false)
    end
  end,
  ended = function(run, event)
    finish(run)
    local found, is_superseded = found_by(run), findings.of(run.buf) and not found_by(run)
    tell(run, event)
    if found then
      last_run = run.id
      findings.settle(found, event.result)
    end
    if event.result.error then
      message.error_line(event.result.error.message, event.result.error.hint)
    elseif not is_superseded then
      message.info(words.reviewed(event.result) .. '.')
    end
  end,
  failed = function(run, event)
    finish(run)
    local found = found_by(run)
    tell(run, event)
    if found then
      findings.fail(found, event.error.message)
    end
  end,
}

--- The buffer to review. In a report or a scratch buffer it is the source.
---@return integer? buf nil where that is closed; the user is told
local function target()
  local buf, current = sources.current(), vim.api.nvim_get_current_buf()
  if buf == current and vim.api.nvim_buf_get_name(current):find('^vivek://') then
    message.error('The buffer that this belongs to is closed.', 'Open its file and review it there.')
    return nil
  end
  return buf
end

--- Review a buffer, some of its lines, or what changed in it.
---@param options vivek.ReviewOptions
function M.review(options)
  local buf = target()
  if not buf then
    return
  end
  local base = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local is_source = buf == vim.api.nvim_get_current_buf()
  local range = is_source and (options.range or capture.selected()) or nil
  local snapshot = capture.snapshot(buf, range, MOST_DIAGNOSTICS)
  local terms = lifecycle.terms(snapshot)
  if not terms then
    return
  end
  for _, run in ipairs(runs.at_work(buf)) do
    if run.follower == FOLLOWER then
      lifecycle.stop(run)
    end
  end
  local run = runs.add({
    id = lifecycle.next_id(),
    follower = FOLLOWER,
    buf = buf,
    path = snapshot.path,
    base = base,
    eol = snapshot.eol,
    instruction = 'review',
    seen = {},
    running = true,
    aimed = false,
  })
  runs.aim(run, { first = snapshot.first or 1, last = snapshot.last or #base })
  local first = snapshot.first or snapshot.cursor
  if config.get().review.report then
    report.open(buf, snapshot.path ~= '' and vim.fs.basename(snapshot.path) or 'an unnamed buffer')
  end
  findings.begin(buf, run.id, base, snapshot.diagnostics, show)
  progress.start(run.id, buf, first, snapshot.last or first, 'review')
  local asked = { run = run.id, changed = options.changed or false, model = config.get().review.model }
  lifecycle.send(run, 'vivek_review', vim.tbl_extend('error', snapshot, asked, terms))
end

--- Silence the finding at the cursor for good: Python notes it in the project.
function M.dismiss()
  chosen.at_cursor('Dismiss which one?', function(buf, item)
    -- Under an id of its own: the review may still be at work, and goes on where this fails.
    local about = { path = capture.path(buf), key = item.finding.key, finding = item.finding }
    request(lifecycle.next_id(), 'vivek_dismiss', about)
  end)
end

--- Take the findings of the buffer off the screen, for now.
function M.clear()
  findings.clear(sources.current())
end

--- Write the last report of the buffer, or else the last of all, to a file.
---@param path string by its extension Markdown, JSON or SARIF
---@param force? boolean whether a file that is there is replaced
function M.export(path, force)
  local found = findings.of(sources.current())
  local run = found and found.result and found.run or last_run
  path = vim.fn.fnamemodify(path ~= '' and path or 'review.md', ':p')
  if not run then
    return message.info('There is no report yet. :VivekReview makes one.')
  elseif vim.uv.fs_stat(path) and not force then
    return message.error(
      ('%s is there already.'):format(vim.fn.fnamemodify(path, ':~:.')),
      ':VivekExport! replaces it.'
    )
  end
  request(run, 'vivek_export', { path = vim.fs.normalize(path, { expand_env = false }) })
end

host.on('error', function(event)
  if answered(event) then
    message.error_line(event.error.message, event.error.hint)
  end
end)
host.on('dismissed', function(event)
  answered(event)
  findings.silence(event.key)
  message.info(('Dismissed, in %s.'):format(vim.fn.fnamemodify(event.path, ':~:.')))
end)
host.on('exported', function(event)
  answered(event)
  message.info(('Written: %s.'):format(vim.fn.fnamemodify(event.path, ':~:.')))
end)

return M
