--- Proposed hunks of a buffer: shown, walked through, applied, rejected.
---
--- It bridges the text edits of a run and the user's buffer. The text and its undo history stay untouched
--- until a hunk is applied. Where a hunk lies is found in the very tick that draws or applies it, from the
--- text at the ask and the text as it is; a hunk whose lines were changed meanwhile is stale and never
--- applied. What it doesn't do: merge.

local apply = require('vivek.apply')
local draw = require('vivek.draw')
local highlight = require('vivek.highlight')
local hunks = require('vivek.hunks')
local keys = require('vivek.keys')
local message = require('vivek.message')
local scratch = require('vivek.scratch')
local text = require('vivek.text')
local watch = require('vivek.watch')

local M = {}

-- How long the buffer must rest before hunks are located and drawn anew; until then the extmarks move along
-- by themselves.
local REDRAW_MS = 60

---@class vivek.Drawn
---@field marks vivek.Marks
---@field looks string what was drawn, to tell whether it has changed

---@class vivek.ProposalOptions
---@field eol? boolean whether the base text ends in a newline
---@field target? [integer, integer] first and last line of what was worked on, in the base text, 1-based
---@field on_change? fun() called after hunks have changed their state

---@class vivek.Proposal
---@field buf integer
---@field run string
---@field base string[]
---@field hunks vivek.Hunk[]
---@field options vivek.ProposalOptions
---@field target { first: integer, last: integer } 0-based, the end exclusive, in the base text
---@field reference string[]
---@field starts table<integer, integer>
---@field applied vivek.Insertion[]
---@field places table<integer, vivek.Place>
---@field regions vivek.Region[]
---@field tick integer? the changedtick that places and regions are for
---@field drawn table<integer, vivek.Drawn>
---@field stale table<integer, boolean> which hunks were told to be stale
---@field current integer? the id of the hunk that the cursor was sent to
---@field hinted integer? the id of the hunk that carries the hint
---@field timer uv.uv_timer_t?
---@field unwatch fun()

---@type table<integer, vivek.Proposal> the open ones, by buffer
local proposals = {}
---@type table<integer, table<string, table<vivek.HunkState, integer>>> by buffer and run
local outcomes = {}

---@param buf integer
---@return integer
local function resolved(buf)
  return buf == 0 and vim.api.nvim_get_current_buf() or buf
end

---@param proposal vivek.Proposal
---@return vivek.Hunk[]
local function open_hunks(proposal)
  return vim.tbl_filter(function(hunk)
    return hunk.state == 'pending'
  end, proposal.hunks)
end

---@param proposal vivek.Proposal
local function count_outcome(proposal)
  local counts = { applied = 0, rejected = 0, pending = 0 }
  for _, hunk in ipairs(proposal.hunks) do
    counts[hunk.state] = counts[hunk.state] + 1
  end
  outcomes[proposal.buf] = outcomes[proposal.buf] or {}
  outcomes[proposal.buf][proposal.run] = counts
end

--- What the hunks' places refer to has changed: hunks were applied.
---@param proposal vivek.Proposal
local function update_reference(proposal)
  proposal.reference, proposal.starts, proposal.applied = hunks.reference(proposal.base, proposal.hunks)
  proposal.tick = nil
end

--- Find where the open hunks lie in the text as it is.
---@param proposal vivek.Proposal
local function locate(proposal)
  local tick = vim.api.nvim_buf_get_changedtick(proposal.buf)
  if proposal.tick == tick then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(proposal.buf, 0, -1, true)
  proposal.places, proposal.regions =
    hunks.locate(proposal.reference, proposal.starts, open_hunks(proposal), lines)
  proposal.tick = tick
end

--- The window whose cursor counts: the current one, or else one that shows the buffer.
---@param buf integer
---@return integer? win
local function window_of(buf)
  if vim.api.nvim_get_current_buf() == buf then
    return vim.api.nvim_get_current_win()
  end
  local win = vim.fn.bufwinid(buf)
  return win ~= -1 and win or vim.fn.win_findbuf(buf)[1]
end

---@param buf integer
---@return integer row 0-based
local function cursor_row(buf)
  local win = window_of(buf)
  local line = win and vim.api.nvim_win_get_cursor(win)[1] or vim.api.nvim_buf_get_mark(buf, '"')[1]
  return math.max(line, 1) - 1
end

---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@return integer first
---@return integer last
local function rows_of(proposal, hunk)
  local place = proposal.places[hunk.id]
  local first = draw.first_row(hunk, place)
  return first, math.max(first, draw.last_row(hunk, place))
end

--- The hunk that apply and reject mean, and that carries the hint: the one that the cursor was sent to and
--- still is on, or else the nearest.
---@param proposal vivek.Proposal
---@return vivek.Hunk? hunk nil where none is open
local function current_hunk(proposal)
  local row, nearest, least = cursor_row(proposal.buf), nil, math.huge
  for _, hunk in ipairs(open_hunks(proposal)) do
    local first, last = rows_of(proposal, hunk)
    local distance = row < first and first - row or math.max(row - last, 0)
    if distance == 0 and hunk.id == proposal.current then
      return hunk
    elseif distance < least then
      nearest, least = hunk, distance
    end
  end
  return nearest
end

---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@param is_current boolean
---@return vivek.Chunk[]?
local function note_for(proposal, hunk, is_current)
  local buf = proposal.buf
  if proposal.places[hunk.id].stale then
    local way_out = keys.label(buf, 'reject') .. ' rejects it'
    return {
      { ('hunk %d is stale: its lines changed since the ask · %s'):format(hunk.id, way_out), 'VivekStale' },
    }
  elseif not is_current then
    return nil
  end
  local note = ('hunk %d of %d · %s apply · %s reject'):format(
    hunk.id,
    #proposal.hunks,
    keys.label(buf, 'apply'),
    keys.label(buf, 'reject')
  )
  if #open_hunks(proposal) > 1 then
    note = ('%s · %s next'):format(note, keys.label(buf, 'next'))
  end
  return { { note, 'VivekHint' } }
end

---@param proposal vivek.Proposal
---@param hunk vivek.Hunk
---@param view vivek.View
---@param is_current boolean
local function draw_hunk(proposal, hunk, view, is_current)
  local place, drawn = proposal.places[hunk.id], proposal.drawn[hunk.id]
  local note = note_for(proposal, hunk, is_current)
  local said = note and note[1][1] or ''
  local looks = ('%s %s %s %s %s'):format(place.stale, view.width, view.wrap, view.tabstop, said)
  if drawn and drawn.looks == looks and draw.is_at(drawn.marks, place.row) then
    return
  elseif drawn then
    draw.erase(drawn.marks)
  end
  proposal.drawn[hunk.id] = { looks = looks, marks = draw.hunk(proposal.buf, hunk, place, view, note) }
end

--- Tell the world what became of hunks. It comes last, when all is consistent: a listener may call back.
---@param proposal vivek.Proposal
---@param changed { hunk: vivek.Hunk, action: string }[]
local function announce(proposal, changed)
  for _, change in ipairs(changed) do
    vim.api.nvim_exec_autocmds('User', {
      pattern = 'VivekHunk',
      modeline = false,
      data = { buf = proposal.buf, run = proposal.run, hunk = change.hunk.id, action = change.action },
    })
  end
  if #changed > 0 and proposal.options.on_change then
    proposal.options.on_change()
  end
end

---@param proposal vivek.Proposal
---@return { hunk: vivek.Hunk, action: string }[] changed hunks that became stale, or fit again
local function staleness(proposal)
  local changed = {}
  for _, hunk in ipairs(open_hunks(proposal)) do
    local stale = proposal.places[hunk.id].stale
    if stale ~= (proposal.stale[hunk.id] or false) then
      proposal.stale[hunk.id] = stale
      changed[#changed + 1] = { hunk = hunk, action = stale and 'stale' or 'pending' }
    end
  end
  return changed
end

---@param proposal vivek.Proposal
local function redraw(proposal)
  locate(proposal)
  local view, current = draw.view(proposal.buf), current_hunk(proposal)
  proposal.hinted = current and current.id
  for _, hunk in ipairs(proposal.hunks) do
    local drawn = proposal.drawn[hunk.id]
    if hunk.state == 'pending' then
      draw_hunk(proposal, hunk, view, hunk == current)
    elseif drawn then
      draw.erase(drawn.marks)
      proposal.drawn[hunk.id] = nil
    end
  end
end

---@param proposal vivek.Proposal
---@return boolean
local function is_open(proposal)
  return proposals[proposal.buf] == proposal and vim.api.nvim_buf_is_loaded(proposal.buf)
end

---@param proposal vivek.Proposal
local function refresh(proposal)
  if is_open(proposal) then
    redraw(proposal)
    announce(proposal, staleness(proposal))
  end
end

---@param proposal vivek.Proposal
local function refresh_soon(proposal)
  if not proposal.timer then
    proposal.timer = assert(vim.uv.new_timer())
  end
  proposal.timer:start(
    REDRAW_MS,
    0,
    vim.schedule_wrap(function()
      refresh(proposal)
    end)
  )
end

--- The hint goes with the cursor. Where the text has just changed, it waits for all to be located: a key must
--- not.
---@param proposal vivek.Proposal
local function follow_cursor(proposal)
  if not is_open(proposal) or proposal.tick ~= vim.api.nvim_buf_get_changedtick(proposal.buf) then
    return
  end
  local current = current_hunk(proposal)
  if current and current.id ~= proposal.hinted then
    redraw(proposal)
  end
end

--- Virtual lines above line 1 are shown where the window comes to the top of the buffer.
---@param proposal vivek.Proposal
---@param win integer
local function reveal_top(proposal, win)
  local first = open_hunks(proposal)[1]
  local place = first and proposal.places[first.id]
  if place and draw.last_row(first, place) < 0 then
    draw.reveal_top(win, #first.new)
  end
end

--- End a proposal: nothing of it stays but what became of its hunks.
---@param proposal vivek.Proposal
local function close(proposal)
  if proposals[proposal.buf] ~= proposal then
    return
  end
  proposals[proposal.buf] = nil
  proposal.unwatch()
  if proposal.timer then
    proposal.timer:close()
  end
  for _, buf in ipairs({ proposal.buf, scratch.of(proposal.buf) }) do
    keys.detach(buf)
  end
  if vim.api.nvim_buf_is_valid(proposal.buf) then
    draw.clear(proposal.buf)
  end
end

---@param proposal vivek.Proposal
local function draw_or_close(proposal)
  if #open_hunks(proposal) == 0 then
    close(proposal)
  else
    redraw(proposal)
  end
end

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

---@param proposal vivek.Proposal
local function watch_buffer(proposal)
  local function later()
    refresh_soon(proposal)
  end
  proposal.unwatch = watch.buffer(proposal.buf, {
    text = later,
    layout = later,
    cursor = function()
      follow_cursor(proposal)
    end,
    top = function(win)
      reveal_top(proposal, win)
    end,
    gone = function()
      close(proposal)
    end,
  })
end

--- Propose edits of a buffer; an earlier proposal of it is replaced.
---@param buf integer
---@param run string
---@param base_lines string[] the buffer's lines that the edits are made for
---@param edits vivek.TextEdit[]
---@param options? vivek.ProposalOptions
function M.show(buf, run, base_lines, edits, options)
  buf, options = resolved(buf), options or {}
  M.clear(buf)
  highlight.setup()
  local base = text.with_nuls(base_lines)
  local proposal = {
    buf = buf,
    run = run,
    base = base,
    hunks = hunks.from_edits(base, options.eol ~= false, edits),
    options = options,
    drawn = {},
    stale = {},
  }
  count_outcome(proposal)
  if #proposal.hunks == 0 then
    return
  end
  proposal.target = target_range(base, proposal.hunks, options.target)
  proposals[buf] = proposal
  update_reference(proposal)
  watch_buffer(proposal)
  for _, shown_in in ipairs({ buf, scratch.of(buf) }) do
    keys.attach(shown_in)
  end
  refresh(proposal)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    reveal_top(proposal, win)
  end
end

--- The open proposal of a buffer, located; the user is told where there is none.
---@param buf integer
---@return vivek.Proposal?
local function open_proposal(buf)
  local proposal = proposals[resolved(buf)]
  if not proposal then
    message.info('no hunks are proposed here. :VivekAsk asks for some.')
    return nil
  elseif not vim.api.nvim_buf_is_loaded(proposal.buf) then
    message.error('The buffer that these hunks are for is not loaded.', 'Open its file again.')
    return nil
  end
  locate(proposal)
  return proposal
end

---@class vivek.Choice
---@field all? boolean
---@field count? integer how many hunks, from the current one on

---@param proposal vivek.Proposal
---@param choice vivek.Choice
---@return vivek.Hunk[]
local function chosen(proposal, choice)
  local open = open_hunks(proposal)
  if choice.all then
    return open
  end
  local current, result = current_hunk(proposal), {}
  for _, hunk in ipairs(open) do
    if hunk.id >= current.id and #result < math.max(choice.count or 1, 1) then
      result[#result + 1] = hunk
    end
  end
  return result
end

---@param proposal vivek.Proposal
---@param changed vivek.Hunk[]
---@param state 'applied'|'rejected'
local function settle(proposal, changed, state)
  local told = {}
  for _, hunk in ipairs(changed) do
    hunk.state = state
    told[#told + 1] = { hunk = hunk, action = state }
  end
  count_outcome(proposal)
  update_reference(proposal)
  draw_or_close(proposal)
  announce(proposal, told)
end

---@param proposal vivek.Proposal
---@param stale vivek.Hunk[]
local function tell_stale(proposal, stale)
  local lines = vim.tbl_map(function(hunk)
    return proposal.places[hunk.id].row + 1
  end, stale)
  local what = #lines == 1 and ('hunk %d was not applied: line %d'):format(stale[1].id, lines[1])
    or ('%d hunks were not applied: lines %s'):format(#lines, table.concat(lines, ', '))
  local way_out = 'Undo your change there and apply again, or reject with %s, or ask again.'
  message.warn(
    ('%s changed since the ask. %s'):format(what, way_out:format(keys.label(proposal.buf, 'reject')))
  )
end

--- Apply the current hunk, or `count` hunks from it on, or all: one undo block for all of them. Stale hunks
--- are left out, and the user is told.
---@param buf integer
---@param choice? vivek.Choice
function M.apply(buf, choice)
  local proposal = open_proposal(buf)
  if not proposal then
    return
  end
  local reason, hint = apply.refusal(proposal.buf)
  if reason then
    return message.error(reason, hint)
  end
  local fitting, stale, located = {}, {}, {}
  for _, hunk in ipairs(chosen(proposal, choice or {})) do
    local place = proposal.places[hunk.id]
    table.insert(place.stale and stale or fitting, hunk)
    if not place.stale then
      located[#located + 1] = { hunk = hunk, row = place.row }
    end
  end
  if #stale > 0 then
    tell_stale(proposal, stale)
  end
  if #located > 0 then
    apply.hunks(proposal.buf, located)
    settle(proposal, fitting, 'applied')
  end
end

--- Reject the current hunk, or `count` hunks from it on, or all. The text stays as it is.
---@param buf integer
---@param choice? vivek.Choice
function M.reject(buf, choice)
  local proposal = open_proposal(buf)
  if proposal then
    settle(proposal, chosen(proposal, choice or {}), 'rejected')
  end
end

--- The place in the list of open hunks that a step leads to from the cursor.
---@param proposal vivek.Proposal
---@param open vivek.Hunk[]
---@param steps integer backwards where negative
---@return integer
local function stepped(proposal, open, steps)
  local row, before, at = cursor_row(proposal.buf), 0, nil
  for index, hunk in ipairs(open) do
    local first, last = rows_of(proposal, hunk)
    local on_it = row >= first and row <= last
    if on_it and (not at or hunk.id == proposal.current) then
      at = index
    elseif last < row then
      before = index
    end
  end
  -- Between two hunks, the first step forward leads to the one after the cursor, and backward to the one
  -- before it.
  local from = at or (steps > 0 and before or before + 1)
  return (from + steps - 1) % #open + 1
end

---@param buf integer
---@param steps integer
local function go(buf, steps)
  local proposal = open_proposal(buf)
  local win = proposal and window_of(proposal.buf)
  if not proposal then
    return
  elseif not win then
    return message.warn('the buffer of these hunks is in no window. Show it, then try again.')
  end
  local open = open_hunks(proposal)
  local hunk = open[stepped(proposal, open, steps)]
  proposal.current = hunk.id
  draw.go_to(win, hunk, proposal.places[hunk.id])
  redraw(proposal)
end

--- Go to the next hunk, from the last one to the first.
---@param buf integer
---@param count? integer
function M.next(buf, count)
  go(buf, math.max(count or 1, 1))
end

--- Go to the previous hunk, from the first one to the last.
---@param buf integer
---@param count? integer
function M.prev(buf, count)
  go(buf, -math.max(count or 1, 1))
end

---@class vivek.HunkInfo
---@field id integer
---@field state vivek.HunkState|'stale'
---@field first? integer 1-based line in the buffer as it is, while the hunk is open
---@field last? integer inclusive; before `first` where lines are only added
---@field old string[]
---@field new string[]

--- The hunks of a buffer's proposal, as data.
---@param buf integer
---@return vivek.HunkInfo[]
function M.hunks(buf)
  local proposal = proposals[resolved(buf)]
  if not proposal or not is_open(proposal) then
    return {}
  end
  locate(proposal)
  return vim.tbl_map(function(hunk)
    local place = hunk.state == 'pending' and proposal.places[hunk.id]
    local info = { id = hunk.id, state = hunk.state, old = hunk.old, new = hunk.new }
    if place then
      info.state = place.stale and 'stale' or 'pending'
      info.first, info.last = place.row + 1, place.row + #hunk.old
    end
    return info
  end, proposal.hunks)
end

---@param proposal vivek.Proposal
---@return boolean
local function ends_in_newline(proposal)
  local options = vim.bo[proposal.buf]
  local eol = options.endofline or (options.fixendofline and not options.binary)
  for _, hunk in ipairs(open_hunks(proposal)) do
    if hunk.eol ~= nil and not proposal.places[hunk.id].stale then
      eol = hunk.eol
    end
  end
  return eol
end

--- The buffer's text as it would be with the open hunks applied, the stale ones left out.
---@param buf integer
---@return { lines: string[], eol: boolean, first: integer, last: integer }? pending nil without a proposal;
--- `first` and `last` (1-based, inclusive) are the lines that were worked on
function M.pending_text(buf)
  local proposal = proposals[resolved(buf)]
  if not proposal or not is_open(proposal) then
    return nil
  end
  locate(proposal)
  local changes = {}
  for _, hunk in ipairs(open_hunks(proposal)) do
    local place = proposal.places[hunk.id]
    if not place.stale then
      changes[#changes + 1] = hunks.change(hunk, place.row)
    end
  end
  local first, last = hunks.mapped(proposal.target.first, proposal.target.last, proposal.applied, true)
  first, last = hunks.mapped(first, last, proposal.regions, false)
  first, last = hunks.mapped(first, last, changes, true)
  local lines = hunks.replaced(vim.api.nvim_buf_get_lines(proposal.buf, 0, -1, true), changes)
  first = math.max(math.min(first, #lines - 1), 0)
  return {
    lines = lines,
    eol = ends_in_newline(proposal),
    first = first + 1,
    last = math.max(last, first + 1),
  }
end

--- Take a proposal away; its hunks stay undecided.
---@param buf integer
function M.clear(buf)
  local proposal = proposals[resolved(buf)]
  if proposal then
    close(proposal)
  end
end

--- What became of the hunks of a run; also after its proposal has ended.
---@param buf integer
---@param run string
---@return { applied: integer, rejected: integer, pending: integer }
function M.outcome(buf, run)
  local counts = (outcomes[resolved(buf)] or {})[run]
  return vim.deepcopy(counts or { applied = 0, rejected = 0, pending = 0 })
end

return M
