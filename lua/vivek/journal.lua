--- What each run was asked, what the model replied, what was proposed, and what became of the hunks.
---
--- It bridges the events of runs and files that outlive Neovim, also one that is killed: every event is on
--- disk before the next one comes. What is known of a run is read back from its records alone. What it
--- doesn't do: show anything, or put a hunk into a buffer.

local config = require('vivek.config')
local message = require('vivek.message')
local records = require('vivek.records')
local report = require('vivek.report')

local M = {}

---@class vivek.JournalReply one reply of a model, raw
---@field node string
---@field attempt integer
---@field model? string
---@field text string
---@field proposed? boolean whether the run's hunks were made of it

---@class vivek.JournalRun what is known of a run
---@field id string
---@field created number seconds since 1970
---@field path string '' where the buffer was no file
---@field buffer string the buffer's identity
---@field filetype string
---@field instruction string
---@field eol boolean whether the base text ended in a newline
---@field replies vivek.JournalReply[] in the order in which they came
---@field edits? vivek.TextEdit[] what was proposed
---@field target? { first: integer, last: integer }
---@field marks table<integer, table> what became of the hunks, by their ids
---@field finish? vivek.JournalFinish nil while it runs, and where Neovim was killed
---@field running boolean whether it is at work in this Neovim
---@field base? string[] the lines that the edits are made for, as Neovim holds them; from `load()` alone

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
-- Runs that are not on disk, by the user's will or the disk's.
local MOST_IN_MEMORY = 50
-- How many files may be read each time old ones are removed: a moment that no key notices.
local MOST_READ = 20

---@type table<string, string> file names of the runs that were begun or looked up here, by run
local names = {}
---@type table<string, boolean> the runs at work here
local running = {}
---@type table<string, boolean> files that were not over when old ones were last removed
local spared = {}

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
local function find(id)
  if not names[id] then
    names[id] = vim.iter(records.names()):find(function(name)
      return select(2, parts_of(name)) == id
    end)
  end
  return names[id]
end

---@param id string
---@param tag string the kind of record
---@param value any
local function append(id, tag, value)
  local name = find(id)
  if name then
    spared[name] = nil
    records.append(name, tag, value)
  end
end

--- The tag says what a piece of text is part of: of a reply that came whole, no piece is unpacked.
---@param node string
---@param attempt integer
---@return string
local function text_tag(node, attempt)
  return ('text:%s:%d'):format(node, attempt)
end

---@class vivek.Fold a run while it is read back
---@field run vivek.JournalRun
---@field growing { tag: string, pieces: vivek.Record[] }? the reply of which only pieces have come
---@field model string?
---@field chosen integer? the attempt that the hunks were made of

---@param fold vivek.Fold
---@param reply vivek.JournalReply
local function add_reply(fold, reply)
  if reply.text ~= '' then
    reply.model = reply.model or fold.model
    table.insert(fold.run.replies, reply)
  end
end

--- No more pieces come: they are the reply.
---@param fold vivek.Fold
local function close_reply(fold)
  local growing = fold.growing
  fold.growing = nil
  if growing then
    local node, attempt = growing.tag:match('^text:(.*):(%d+)$')
    local text = vim.iter(growing.pieces):map(records.unpack):join('')
    add_reply(fold, { node = node, attempt = tonumber(attempt), text = text })
  end
end

---@param fold vivek.Fold
---@param record vivek.Record
local function grow(fold, record)
  if not fold.growing or fold.growing.tag ~= record.tag then
    close_reply(fold)
    fold.growing = { tag = record.tag, pieces = {} }
  end
  table.insert(fold.growing.pieces, record)
end

---@type table<string, fun(fold: vivek.Fold, value: any)>
local FOLD = {
  model = function(fold, model)
    fold.model = model
  end,
  reply = function(fold, reply)
    local tag = text_tag(reply.node, reply.attempt)
    if fold.growing and fold.growing.tag == tag and reply.text ~= '' then
      fold.growing = nil
    end
    close_reply(fold)
    add_reply(fold, reply)
  end,
  -- What came before is void, and the reply begins anew.
  retry = close_reply,
  chosen = function(fold, attempt)
    fold.chosen = attempt
  end,
  proposal = function(fold, proposal)
    fold.run.edits, fold.run.target = proposal.edits, proposal.target
  end,
  marks = function(fold, marks)
    for _, pair in ipairs(marks) do
      fold.run.marks[pair[1]] = pair[2]
    end
  end,
  finish = function(fold, finish)
    close_reply(fold)
    if #fold.run.replies == 0 and finish.reply then
      add_reply(fold, { node = 'executor', attempt = 1, text = finish.reply })
    end
    fold.run.finish = { kind = finish.kind, text = finish.text }
  end,
}

--- The reply that the hunks were made of: the last one of the attempt that was chosen.
---@param fold vivek.Fold
local function mark_proposed(fold)
  local reply = vim.iter(fold.run.replies):rfind(function(reply)
    return reply.node == 'executor' and reply.attempt == (fold.chosen or reply.attempt)
  end)
  if reply then
    reply.proposed = fold.run.edits ~= nil
  end
end

---@param fold vivek.Fold
---@param record vivek.Record
local function take(fold, record)
  local kind = record.tag:match('^%a+')
  if kind == 'text' then
    return grow(fold, record)
  end
  -- A later version may know more kinds, and a torn record has no value.
  local value = FOLD[kind] and records.unpack(record)
  if value ~= nil then
    FOLD[kind](fold, value)
  end
end

---@param name string
---@return vivek.JournalRun? run nil where the file is gone, or not even its beginning is whole
local function read(name)
  local fold
  for _, record in ipairs(records.read(name)) do
    if fold then
      take(fold, record)
    elseif record.tag == 'run' then
      local run = records.unpack(record)
      fold = run and { run = vim.tbl_extend('error', run, { replies = {}, marks = {} }) }
    end
  end
  if fold then
    close_reply(fold)
    mark_proposed(fold)
    fold.run.running = running[fold.run.id] or false
    return fold.run
  end
end

--- Whether nothing more can be done about a hunk: a proposal tells by its state or its verdict.
---@param mark table
---@return boolean
local function is_settled(mark)
  return mark.state == 'rejected' or mark.state == 'written' or mark.verdict == 'written'
end

---@param run vivek.JournalRun
---@return boolean
local function is_unsettled(run)
  if not run.edits then
    return false
  end
  local marks = vim.tbl_values(run.marks)
  return #marks == 0 or not vim.iter(marks):all(is_settled)
end

--- Remove what is too old or too much. The newest stay, and for a while what is not over.
---@param from string[] file names, the oldest first
---@param keep integer
local function remove_old(from, keep)
  local oldest = stamp_of(os.time() - SPARED_SECONDS)
  local budget = MOST_READ
  for index = 1, #from - keep do
    local name = from[index]
    if name < oldest then
      records.remove(name)
    elseif not spared[name] and budget > 0 then
      budget = budget - 1
      local run = read(name)
      -- Of a run that another Neovim begins just now nothing can be read yet.
      spared[name] = not run or run.running or not run.finish or is_unsettled(run) or nil
      if not spared[name] then
        records.remove(name)
      end
    end
  end
end

---@param all string[]
---@return string[] names those of runs
local function of_runs(all)
  return vim.tbl_filter(function(name)
    return parts_of(name) ~= nil
  end, all)
end

local function prune()
  remove_old(of_runs(records.on_disk()), config.get().history.keep)
  remove_old(of_runs(records.in_memory()), MOST_IN_MEMORY)
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
    append(id, text_tag(event.node, event.attempt), event.text)
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
    :filter(is_unsettled)
    :map(function(run)
      return run.id
    end)
    :totable()
end

--- Remove all that is known of a run.
---@param id string
function M.forget(id)
  local name = find(id)
  names[id], running[id] = nil, nil
  if name then
    records.remove(name)
  end
end

return M
