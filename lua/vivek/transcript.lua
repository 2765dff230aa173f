--- What stands in the scratch buffer of a run: the instruction, what each node did, the reply, what came of
--- it.
---
--- It bridges the events of a run and its section of the scratch buffer, and keeps what the model wrote in
--- full. What it doesn't do: know where a section is, or in which window.

local keys = require('vivek.keys')
local report = require('vivek.report')
local section = require('vivek.section')

local M = {}

local given = report.given

---@class vivek.Transcript
---@field section vivek.Section
---@field source integer
---@field raw string[] the replies, in full
---@field reply string[] the reply of the node at work
---@field doing vivek.Doing

---@type table<string, vivek.Transcript>
local transcripts = {}

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

---@param run vivek.Transcript
local function end_reply(run)
  local fence = open_fence(table.concat(run.reply))
  if fence then
    section.write(run.section, (run.section.tail:sub(-1) == '\n' and '' or '\n') .. fence .. '\n')
  end
  run.reply = {}
end

---@param run vivek.Transcript
---@param text string
local function write_reply(run, text)
  if #run.reply == 0 then
    section.paragraph(run.section)
  end
  table.insert(run.raw, text)
  table.insert(run.reply, text)
  section.write(run.section, text)
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

--- What is known of tests that are proposed in a file of their own, or could be.
---@param part vivek.Section
---@param result table
local function write_tests(part, result)
  local file = given(result.test_file)
  if result.placed then
    for line in vim.gsplit(result.placed.text, '\n') do
      section.write_line(part, line, 'VivekNotice')
    end
  elseif file and #file.edits > 0 then
    local name = vim.fn.fnamemodify(file.path, ':~:.')
    section.write_line(part, (':VivekTest proposes such tests in %s.'):format(name), 'VivekHint')
  end
end

---@param run vivek.Transcript
---@param result table
local function write_result(run, result)
  local part, answer = run.section, given(result.answer)
  -- Where the best reply is not the last one, or only a part of it holds.
  local is_told = vim.endswith(vim.trim(table.concat(run.raw)), vim.trim(answer or ''))
  local placed = result.placed
  if answer and not is_told and not placed then
    section.paragraph(part)
    section.write(part, answer)
  end
  section.paragraph(part)
  local hunks = placed and placed.hunks or #result.edits
  section.write_line(part, report.result(result), hunks > 0 and 'VivekOk' or 'VivekTitle')
  write_tests(part, result)
  local warning = given(result.warning) or ''
  if warning ~= '' then
    section.write_line(part, warning, 'VivekNotice')
  end
  for _, check in ipairs(given(result.checks) or {}) do
    if not check.passed then
      section.write_line(part, ('✗ %s: %s'):format(check.name, given(check.detail) or ''), 'VivekNotice')
    end
  end
  local buf = placed and placed.buf or run.source
  if hunks > 0 and vim.api.nvim_buf_is_valid(buf) then
    section.write_line(part, key_line(buf, hunks), 'VivekHint')
  end
end

---@param run vivek.Transcript
---@param failure table
local function write_error(run, failure)
  local partial, hint = given(failure.partial) or '', given(failure.hint) or ''
  if partial ~= '' and #run.raw == 0 then
    write_reply(run, partial)
    end_reply(run)
  end
  section.paragraph(run.section)
  section.write_line(run.section, failure.message, 'VivekError')
  if hint ~= '' then
    section.write_line(run.section, hint)
  end
end

---@type table<string, fun(run: vivek.Transcript, event: table)>
local HANDLERS = {
  start = function(run, event)
    section.write_line(run.section, report.model(event), 'VivekStats')
  end,
  notice = function(run, event)
    section.write_line(run.section, event.text, 'VivekNotice')
  end,
  prompt = function(run, event)
    section.write_line(run.section, event.text, event.whole and 'VivekStats' or 'VivekNotice')
  end,
  node = function(run, event)
    local detail = given(event.detail) or ''
    end_reply(run)
    section.paragraph(run.section)
    section.write_line(run.section, '## ' .. report.node(event))
    if detail ~= '' then
      section.write_line(run.section, detail)
    end
  end,
  retry = function(run, event)
    -- What came before stays readable, and the reply begins anew below.
    end_reply(run)
    section.write_line(run.section, report.retry(event), 'VivekNotice')
  end,
  text = function(run, event)
    write_reply(run, event.text)
  end,
  done = function(run, event)
    end_reply(run)
    write_result(run, event.result)
    section.finish(run.section)
  end,
  error = function(run, event)
    end_reply(run)
    write_error(run, event.error)
    section.finish(run.section)
  end,
}

--- Begin the transcript of a run.
---@param run string
---@param part vivek.Section
---@param source integer
---@param instruction string
function M.begin(run, part, source, instruction)
  transcripts[run] = { section = part, source = source, raw = {}, reply = {}, doing = report.STARTING }
  section.write_line(part, '# ' .. instruction)
  section.flush(part.page)
end

--- Write what an event of a run tells.
---@param event table
function M.event(event)
  local run, handler = transcripts[event.run], HANDLERS[event.kind]
  if run then
    run.doing = report.doing(event, run.doing)
    if handler then
      handler(run, event)
    end
  end
end

--- What a run is doing, or what came of it.
---@param run string
---@return vivek.Doing
function M.doing(run)
  return transcripts[run].doing
end

--- What the model wrote in a run, every attempt of it, character for character.
---@param run string
---@return string
function M.text(run)
  return transcripts[run] and table.concat(transcripts[run].raw) or ''
end

return M
