--- `:VivekResume`: the hunks that an earlier session left, shown again on the text as it is.
---
--- It bridges the journal and proposals. How the session ended does not matter, and nothing is put into the
--- buffer. The runs stand in the scratch buffer again, so that they can be followed up from there. What it
--- doesn't do: go on with a run that was cut short; `:VivekHistory` has what came of it.

local capture = require('vivek.capture')
local journal = require('vivek.journal')
local message = require('vivek.message')
local outcome = require('vivek.outcome')
local proposals = require('vivek.proposals')
local report = require('vivek.report')
local runs = require('vivek.runs')
local scratch = require('vivek.scratch')

local M = {}

---@class vivek.Resumed
---@field open integer hunks that are shown again
---@field unwritten integer those of them that had been applied
---@field elsewhere integer? the buffer that has hunks of this file, for it has been renamed

--- The run as one that has ended here. One that this Neovim knows stays as it is.
---@param buf integer
---@param journaled vivek.JournalRun with its base
---@param target? { first: integer, last: integer }
---@return vivek.Run
local function adopt(buf, journaled, target)
  local known = runs.get(journaled.id)
  if known then
    return known
  end
  local run = runs.add({
    id = journaled.id,
    buf = buf,
    path = capture.path(buf),
    base = journaled.base,
    eol = journaled.eol,
    instruction = journaled.instruction,
    seen = {},
    running = false,
    proposed = true,
    aimed = false,
  })
  if target then
    runs.aim(run, target)
  end
  runs.finish(run)
  return run
end

--- The section of a run: what was asked, and the reply that its hunks were made of.
---@param buf integer
---@param run vivek.JournalRun
local function write_section(buf, run)
  if scratch.shows(run.id) then
    return
  end
  scratch.open(buf, run.id, run.instruction)
  for _, reply in ipairs(run.replies) do
    if reply.proposed then
      scratch.event({ kind = 'node', run = run.id, node = reply.node, attempt = reply.attempt })
      scratch.event({ kind = 'text', run = run.id, text = reply.text })
    end
  end
  scratch.event({ kind = 'done', run = run.id, result = { edits = run.edits } })
end

---@param buf integer
---@param run vivek.JournalRun with its base
---@param resumed vivek.Resumed
local function show(buf, run, resumed)
  local target = report.given(run.target)
  local adopted = adopt(buf, run, target)
  proposals.show(buf, run.id, run.base, run.edits, {
    eol = run.eol,
    target = target and { target.first, target.last } or nil,
    label = run.instruction,
    marks = run.marks,
    on_change = function()
      outcome.tell(adopted)
    end,
  })
  write_section(buf, run)
  for _, hunk in ipairs(proposals.hunks(buf, run.id)) do
    if hunk.state == 'pending' or hunk.state == 'stale' then
      local mark = run.marks[hunk.id]
      resumed.open = resumed.open + 1
      resumed.unwritten = resumed.unwritten + ((mark and mark.state == 'applied') and 1 or 0)
    end
  end
end

---@param resumed vivek.Resumed
local function tell(resumed)
  if resumed.open == 0 and resumed.elsewhere then
    local name = vim.fn.bufname(resumed.elsewhere)
    return message.info(('the hunks of this file are in the buffer %s, which had its name.'):format(name))
  elseif resumed.open == 0 then
    return message.info('nothing of an earlier session is open here.')
  end
  local text = report.counted(resumed.open, 'hunk') .. ' shown again'
  if resumed.unwritten > 0 then
    text = ('%s, %d of them applied before but never written'):format(text, resumed.unwritten)
  end
  message.info(text .. '.')
end

--- Show what earlier sessions left open in a buffer's file.
---@param buf integer
function M.run(buf)
  local path = capture.path(buf)
  if path == '' then
    return message.info('this buffer is no file. :VivekHistory has every reply.')
  end
  local resumed = { open = 0, unwritten = 0 }
  -- The oldest first: of hunks in the same lines, the newer are meant first.
  for _, id in vim.iter(journal.unsettled(path)):rev():enumerate() do
    local holder = proposals.holder(id)
    local run = not holder and journal.load(id)
    if run and run.base and not run.running then
      show(buf, run, resumed)
    elseif holder and holder ~= buf then
      resumed.elsewhere = holder
    end
  end
  if not vim.bo[buf].modified then
    -- What is applied in a text that is on disk is settled.
    proposals.settle(buf)
  end
  tell(resumed)
end

return M
