--- What each run was asked, what the model replied, what was proposed, and what became of the hunks.
---
--- It bridges the events of runs and files that outlive Neovim, also one that is killed: every event is on
--- disk before the next one comes. What is known of a run is read back from its records alone. What it
--- doesn't do: show anything, or put a hunk into a buffer.

local config = require('vivek.config')
local message = require('vivek.message')
local records = require('vivek.records')
local report = require('vivek.report')
local retention = require('vivek.journal.retention')
local runs = require('vivek.journal.run')

local M = {}

---@class vivek.NewRun
---@field id string letters, digits and hyphens
---@field path string
---@field buffer string
---@field filetype string
---@field instruction string
---@field base string[]
---@field eol boolean
---@field created? number now, where it is missing

-- What is not over, because its hunks are not settled or its end never came, stays beyond `history.keep` for
-- so long.
local SPARED_SECONDS = 30 * 24 * 3600
-- A file that is gone for less may be back: another branch was checked out, or a drive is not there.
local ORPHANED_SECONDS = 24 * 3600
-- Runs that are not on disk, by the user's will or the disk's.
local MOST_IN_MEMORY = 50

---@type table<string, string> file names of the runs that were begun or looked up here, by run
local names = {}
---@type table<string, boolean> the runs at work here
local running = {}

--- The file behind a path, however it was reached. The last part need not exist yet.
---@param path string
---@return string
local function resolved(path)
  local folder = vim.uv.fs_realpath(vim.fs.dirname(path))
  return vim.uv.fs_realpath(path) or (folder and folder .. '/' .. vim.fs.basename(path)) or path
end

--- What tells in a file's name whom its run is about.
---@param path string
---@param buffer string
---@return string
local function key_of(path, buffer)
  return vim.fn.sha256(path ~= '' and resolved(path) or buffer):sub(1, 16)
end

--- What file names begin with: they sort by time.
---@param created number
---@return string
local function stamp_of(created)
  local seconds = math.floor(created)
  return ('%s.%06d'):format(os.date('!%Y%m%dT%H%M%S', seconds), math.floor((created - seconds) * 1e6))
end

---@param name string
---@return string key
---@return string id
local function parts_of(name)
  return name:match('^[%dT.]+%-(%x+)%-(.+)$')
end

---@param id string
---@return string? name
local function look_up(id)
  names[id] = vim.iter(records.names()):find(function(name)
    return select(2, parts_of(name)) == id
  end)
  return names[id]
end

--- The file of a run. Another Neovim may have moved or removed the one that is known of.
---@param id string
---@return string? name
local function find(id)
  return names[id] and records.exists(names[id]) and names[id] or look_up(id)
end

---@param id string
---@param tag string the kind of record
---@param value any
local function append(id, tag, value)
  local name = find(id)
  if name then
    retention.changed(name)
    records.append(name, tag, value)
  end
end

---@param name string
---@return vivek.JournalRun?
local function read(name)
  local run = runs.read(name)
  if run then
    run.running = running[run.id] or false
  end
  return run
end

---@param all string[]
---@return string[] names those of runs
local function of_runs(all)
  return vim.tbl_filter(function(name)
    return parts_of(name) ~= nil
  end, all)
end

local function prune()
  local history, now = config.get().history, os.time()
  local function limit(count)
    return {
      runs = count,
      bytes = history.megabytes * 2 ^ 20,
      oldest = stamp_of(now - SPARED_SECONDS),
      recent = stamp_of(now - ORPHANED_SECONDS),
    }
  end
  retention.prune(of_runs(records.on_disk()), limit(history.keep), read)
  retention.prune(of_runs(records.in_memory()), limit(MOST_IN_MEMORY), read)
end

--- Lines as one string where they can be: a tenth of the time that a list takes.
---@param lines string[]
---@return string|string[]
local function packed(lines)
  for _, line in ipairs(lines) do
    if line:find('\n', 1, true) then
      return lines
    end
  end
  return #lines > 0 and table.concat(lines, '\n') or lines
end

---@param value string|string[]|nil
---@return string[]?
local function unpacked(value)
  return type(value) == 'string' and vim.split(value, '\n', { plain = true }) or value
end

---@return number
local function now()
  local seconds, microseconds = vim.uv.gettimeofday()
  return seconds + microseconds / 1e6
end

--- A run is sent.
---@param run vivek.NewRun
function M.begin(run)
  local header = vim.tbl_extend('keep', run, { created = now() })
  header.base = nil
  local name = ('%s-%s-%s'):format(stamp_of(header.created), key_of(run.path, run.buffer), run.id)
  names[run.id], running[run.id] = name, true
  records.create(name, {
    tag = 'run',
    record = header,
    value = packed(run.base),
    on_disk = config.get().history.keep > 0,
  })
  vim.schedule(prune)
end

--- A call of the model has ended, whatever way.
---@param id string
---@param reply vivek.JournalReply
function M.reply(id, reply)
  local kept = { node = reply.node, attempt = reply.attempt, model = reply.model, text = reply.text }
  append(id, 'reply', kept)
end

--- Edits of the run's base are proposed.
---@param id string
---@param proposed { edits: vivek.TextEdit[], target?: { first: integer, last: integer } }
function M.propose(id, proposed)
  append(id, 'proposal', { edits = proposed.edits, target = proposed.target })
end

--- The file of a run's buffer has another name.
---@param id string
---@param path string
function M.move(id, path)
  local name = find(id)
  local key = key_of(path, '')
  if name and parts_of(name) ~= key then
    local stamp = name:match('^[%dT.]+')
    local moved = ('%s-%s-%s'):format(stamp, key, id)
    if records.rename(name, moved) then
      names[id] = moved
      append(id, 'path', path)
    end
  end
end

--- What became of hunks. A mark is plain data, without holes in its lists; the journal looks at `state`
--- ('rejected' and 'written' are settled) and `verdict` ('written' is). The last mark of a hunk holds.
---@param id string
---@param marks table<integer, table> by the hunks' ids; those that are left out keep theirs
function M.mark(id, marks)
  local pairs_of = {}
  for hunk, mark in pairs(marks) do
    pairs_of[#pairs_of + 1] = { hunk, mark }
  end
  append(id, 'marks', pairs_of)
end

---@class vivek.JournalFinish
---@field kind 'done'|'error'|'stopped'
---@field text string what the user was told
---@field reply? string what the model wrote, where nothing of it came as text or as a reply

--- A run is over.
---@param id string
---@param finish vivek.JournalFinish
function M.finish(id, finish)
  append(id, 'finish', finish)
  running[id] = nil
end

---@param text any
---@return string?
local function some(text)
  local given = report.given(text)
  if given ~= '' then
    return given
  end
end

---@type table<string, fun(id: string, event: table)>
local EVENTS = {
  start = function(id, event)
    append(id, 'model', event.model)
  end,
  text = function(id, event)
    append(id, runs.text_tag(event.node, event.attempt), event.text)
  end,
  retry = function(id)
    append(id, 'retry', true)
  end,
  reply = M.reply,
  node = function(id, event)
    if event.node == 'formatter' then
      append(id, 'chosen', event.attempt)
    end
  end,
  done = function(id, event)
    local result = event.result
    if #result.edits > 0 then
      M.propose(id, result)
    end
    local reply = some(result.answer) or some(result.partial)
    local kind = result.stopped == true and 'stopped' or 'done'
    M.finish(id, { kind = kind, text = report.result(result), reply = reply })
  end,
  error = function(id, event)
    local failure = event.error
    local kind = failure.kind == 'RunStoppedError' and 'stopped' or 'error'
    local text = message.sentence(failure.message, failure.hint)
    M.finish(id, { kind = kind, text = text, reply = some(failure.partial) })
  end,
}

--- Take in an event of a run that was begun here; those that tell nothing of worth for later are left out.
---@param event vivek.Event
function M.event(event)
  local note = EVENTS[event.kind]
  if note and names[event.run] then
    note(event.run, event)
  end
end

---@class vivek.About one of the two
---@field path? string
---@field buffer? string the identity of a buffer that was no file

---@param about? vivek.About
---@return string[] names the newest first
local function names_about(about)
  local key = about and key_of(about.path or '', about.buffer or '')
  return vim
    .iter(of_runs(records.names()))
    :filter(function(name)
      return not key or parts_of(name) == key
    end)
    :rev()
    :totable()
end

--- The runs on a file or a buffer, or all, without their base texts; the newest first.
---@param about? vivek.About
---@return vivek.JournalRun[]
function M.entries(about)
  return vim.iter(names_about(about)):map(read):totable()
end

--- All that is known of a run.
---@param id string
---@return vivek.JournalRun? run nil where it is gone
function M.load(id)
  local name = find(id)
  local run = name and read(name)
  if run then
    run.base = unpacked(records.value(name))
  end
  return run
end

--- The runs on a file whose hunks were proposed and are neither rejected nor written to disk, the newest
--- first.
---@param path string
---@return string[] ids
function M.unsettled(path)
  return vim
    .iter(M.entries({ path = path }))
    :filter(runs.is_unsettled)
    :map(function(run)
      return run.id
    end)
    :totable()
end

return M
