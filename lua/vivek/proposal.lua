--- One proposal: the hunks of a run, and what became of each of them.
---
--- It bridges the text edits of a run and the buffer as it is. A hunk is pending, applied, rejected or
--- stale. Rejecting is the user's word; everything else is seen from the buffer's text and its undo tree
--- whenever it is asked for, so it is right after an undo, a reload or another plugin's edit. What it
--- doesn't do: draw, or change a buffer.

local hunks = require('vivek.hunks')
local rebase = require('vivek.rebase')
local text = require('vivek.text')
local undo = require('vivek.undo')

local M = {}

---@class vivek.ProposalOptions
---@field eol? boolean whether the base text ends in a newline
---@field target? [integer, integer] first and last line of what was worked on, in the base text, 1-based
---@field label? string what was asked, in a few words
---@field marks? table<integer, vivek.Mark> what became of the hunks in an earlier session
---@field replaces? string[] runs whose open hunks in the same lines this one stands for
---@field follows? string the run whose proposal was worked on: its open hunks are in this one
---@field on_change? fun() called after hunks have changed their state

---@class vivek.Proposal
---@field buf integer
---@field run string
---@field base string[]
---@field eol boolean
---@field hunks vivek.Hunk[]
---@field options vivek.ProposalOptions
---@field target { first: integer, last: integer } 0-based, the end exclusive, in the base text
---@field undo vivek.UndoRecord
---@field places table<integer, vivek.Place>
---@field regions vivek.Region[] what the user changed
---@field applied table<integer, boolean>
---@field certain table<integer, boolean> the hunks of which that is known for sure
---@field tick integer? the changedtick that places and regions are for
---@field told table<integer, vivek.HunkState> the states that were announced
---@field marked table<integer, vivek.Mark> the marks that were given away
---@field drawn table<integer, vivek.Drawn>

---@class vivek.Mark what outlives Neovim of a hunk
---@field state vivek.HunkState
---@field verdict 'rejected'|'written'|nil
---@field new string[]? where the user edited it
---@field resolution vivek.Resolution?

---@param base string[]
---@param all vivek.Hunk[]
---@param target [integer, integer]?
---@return { first: integer, last: integer }
local function target_range(base, all, target)
  if target then
    return { first = target[1] - 1, last = math.min(target[2], #base) }
  end
  local last = all[#all]
  return { first = all[1].start, last = last.start + #last.old }
end

--- Give hunks back what an earlier session knew of them.
---@param all vivek.Hunk[]
---@param marks table<integer, vivek.Mark>
---@return table<integer, boolean> applied
local function recall(all, marks)
  local applied = {}
  for _, hunk in ipairs(all) do
    local mark = marks[hunk.id]
    if mark then
      hunk.verdict, hunk.resolution, hunk.new = mark.verdict, mark.resolution, mark.new or hunk.new
      hunk.edited = mark.new ~= nil
      applied[hunk.id] = (mark.state == 'applied') or nil
    end
  end
  return applied
end

--- A proposal for a buffer.
---@param buf integer
---@param run string
---@param base_lines string[] the buffer's lines that the edits are made for
---@param edits vivek.TextEdit[]
---@param options vivek.ProposalOptions
---@return vivek.Proposal? proposal nil where the edits change nothing
function M.new(buf, run, base_lines, edits, options)
  local base, eol = text.with_nuls(base_lines), options.eol ~= false
  local all = hunks.from_edits(base, eol, edits)
  if #all == 0 then
    return nil
  end
  local applied = recall(all, options.marks or {})
  return {
    buf = buf,
    run = run,
    base = base,
    eol = eol,
    hunks = all,
    options = options,
    target = target_range(base, all, options.target),
    undo = undo.record(buf, applied),
    told = {},
    marked = {},
    drawn = {},
  }
end

--- Find where the hunks lie in the text as it is, and what became of them.
---@param proposal vivek.Proposal
function M.locate(proposal)
  local tick = vim.api.nvim_buf_get_changedtick(proposal.buf)
  if proposal.tick == tick then
    return
  end
  local believed, certain = undo.applied(proposal.undo)
  local lines = vim.api.nvim_buf_get_lines(proposal.buf, 0, -1, true)
  local located = rebase.locate(proposal.base, proposal.hunks, believed, lines, certain)
  proposal.places, proposal.regions, proposal.applied = located.places, located.regions, located.applied
  proposal.tick, proposal.certain = tick, certain
  if not next(certain) then
    undo.believe(proposal.undo, located.applied)
  end
end

---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@return vivek.HunkState
function M.state(proposal, hunk)
  if hunk.verdict then
    return hunk.verdict == 'rejected' and 'rejected' or 'applied'
  end
  return proposal.places[hunk.id].state
end

--- The hunks that the user has not decided on.
---@param proposal vivek.Proposal located
---@return vivek.Hunk[]
function M.open(proposal)
  return vim.tbl_filter(function(hunk)
    local state = M.state(proposal, hunk)
    return state == 'pending' or state == 'stale'
  end, proposal.hunks)
end

--- Whether the text, and an undo, have no say any more.
---@param proposal vivek.Proposal
---@return boolean
function M.is_decided(proposal)
  return vim.iter(proposal.hunks):all(function(hunk)
    return hunk.verdict ~= nil
  end)
end

--- Hunks were put into the buffer, in this very tick.
---@param proposal vivek.Proposal
---@param changed vivek.Hunk[]
---@param alone boolean whether only their own lines changed: what was certain of the other hunks still is
function M.note_applied(proposal, changed, alone)
  local applied, certain = vim.deepcopy(proposal.applied), alone and vim.deepcopy(proposal.certain) or {}
  for _, hunk in ipairs(changed) do
    applied[hunk.id], certain[hunk.id] = true, true
  end
  undo.note(proposal.undo, applied, certain)
  proposal.tick = nil
end

---@param proposal vivek.Proposal
---@param changed vivek.Hunk[]
---@param verdict 'rejected'|nil
function M.decide(proposal, changed, verdict)
  for _, hunk in ipairs(changed) do
    hunk.verdict = verdict
  end
  proposal.tick = nil
end

--- The buffer's text is on disk: what is applied of the proposal stays so.
---@param proposal vivek.Proposal located
---@return boolean changed
function M.settle(proposal)
  local changed = false
  for _, hunk in ipairs(proposal.hunks) do
    if not hunk.verdict and M.state(proposal, hunk) == 'applied' then
      hunk.verdict, changed = 'written', true
    end
  end
  return changed
end

--- The buffer was loaded anew: of what was applied, that remains which was written.
---@param proposal vivek.Proposal
function M.reloaded(proposal)
  local written = {}
  for _, hunk in ipairs(proposal.hunks) do
    written[hunk.id] = (hunk.verdict == 'written') or nil
  end
  undo.restart(proposal.undo, written)
  proposal.tick = nil
end

--- Let lines of the user's stand in place of what the model wrote.
---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@param lines string[]
---@param place vivek.Place what the user saw of the hunk when they wrote them
function M.edit(proposal, hunk, lines, place)
  if place.state == 'pending' and not place.merged and vim.deep_equal(place.old, hunk.old) then
    hunk.new, hunk.edited, hunk.resolution = lines, true, nil
  else
    local whole = place.whole or place
    local above = place.row - whole.row
    local new = vim.list_slice(whole.new, 1, above)
    vim.list_extend(new, lines)
    vim.list_extend(new, whole.new, above + #place.new + 1)
    hunk.resolution = { mine = whole.old, new = new }
  end
  proposal.tick = nil
end

---@class vivek.HunkChange
---@field hunk vivek.Hunk
---@field action vivek.HunkState what it is now

--- What changed its state since the last call.
---@param proposal vivek.Proposal located
---@return vivek.HunkChange[]
function M.changes(proposal)
  local changed = {}
  for _, hunk in ipairs(proposal.hunks) do
    local state = M.state(proposal, hunk)
    local before = proposal.told[hunk.id] or 'pending'
    if state ~= before then
      changed[#changed + 1] = { hunk = hunk, action = state }
      proposal.told[hunk.id] = state
    end
  end
  return changed
end

---@alias vivek.Outcome { applied: integer, rejected: integer, pending: integer }

---@param proposal vivek.Proposal located
---@return vivek.Outcome
function M.outcome(proposal)
  local counts = { applied = 0, rejected = 0, pending = 0 }
  for _, hunk in ipairs(proposal.hunks) do
    local state = M.state(proposal, hunk)
    state = state == 'stale' and 'pending' or state
    counts[state] = counts[state] + 1
  end
  return counts
end

---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@return vivek.Mark
local function mark_of(proposal, hunk)
  return {
    state = M.state(proposal, hunk),
    verdict = hunk.verdict,
    new = hunk.edited and hunk.new or nil,
    resolution = hunk.resolution,
  }
end

--- What is to be known of the hunks in another session, as far as it is not what the last call gave.
---@param proposal vivek.Proposal located
---@return table<integer, vivek.Mark>
function M.new_marks(proposal)
  local marks = {}
  for _, hunk in ipairs(proposal.hunks) do
    local mark = mark_of(proposal, hunk)
    if not vim.deep_equal(mark, proposal.marked[hunk.id]) then
      marks[hunk.id], proposal.marked[hunk.id] = mark, mark
    end
  end
  return marks
end

---@param proposal vivek.Proposal
---@return vivek.Insertion[] applied hunks, in the base text
---@return vivek.Insertion[] pending ones, in the text as it is
local function changes_of(proposal)
  local applied, pending = {}, {}
  for _, hunk in ipairs(proposal.hunks) do
    local place = proposal.places[hunk.id]
    if proposal.applied[hunk.id] then
      applied[#applied + 1] = hunks.change(hunk, hunk.start)
    elseif place.state == 'pending' and hunk.verdict == nil then
      pending[#pending + 1] = hunks.change(place, place.row)
    end
  end
  -- A hunk follows its lines past others.
  table.sort(pending, function(one, other)
    return one.start < other.start or one.start == other.start and one.count < other.count
  end)
  return applied, pending
end

--- Whether the last line would end in a newline with the open hunks applied.
---@param proposal vivek.Proposal
---@return boolean
local function ends_in_newline(proposal)
  local options = vim.bo[proposal.buf]
  local eol = options.endofline or (options.fixendofline and not options.binary)
  for _, hunk in ipairs(M.open(proposal)) do
    if hunk.eol ~= nil and proposal.places[hunk.id].state == 'pending' then
      eol = hunk.eol
    end
  end
  return eol
end

---@class vivek.PendingText
---@field lines string[]
---@field eol boolean
---@field first integer the lines that were worked on, 1-based, inclusive
---@field last integer

--- The buffer's text as it would be with the pending hunks applied, the stale ones left out.
---@param proposal vivek.Proposal located
---@return vivek.PendingText
function M.pending_text(proposal)
  local applied, pending = changes_of(proposal)
  local first, last = hunks.mapped(proposal.target.first, proposal.target.last, applied, true)
  first, last = hunks.mapped(first, last, proposal.regions, false)
  first, last = hunks.mapped(first, last, pending, true)
  local lines = hunks.replaced(vim.api.nvim_buf_get_lines(proposal.buf, 0, -1, true), pending)
  first = math.max(math.min(first, #lines - 1), 0)
  return {
    lines = lines,
    eol = ends_in_newline(proposal),
    first = first + 1,
    last = math.max(last, first + 1),
  }
end

return M
