--- The open hunks of one buffer, those of all its proposals together: which of them the cursor means, and
--- how they are drawn.
---
--- It bridges proposals and the windows of their buffer. Positions are found anew in every tick that
--- draws; what is drawn is never read. What it doesn't do: change the text, or decide anything.

local capture = require('vivek.capture')
local draw = require('vivek.draw')
local journal = require('vivek.journal')
local keys = require('vivek.keys')
local proposals = require('vivek.proposal')
local scratch = require('vivek.scratch')
local watch = require('vivek.watch')

local M = {}

-- How long the buffer must rest before hunks are located and drawn anew; until then the extmarks move along
-- by themselves.
local REDRAW_MS = 60
-- So many rejects can be taken back.
local REJECTS_KEPT = 100
local LABEL_WIDTH = 24

---@class vivek.Drawn
---@field marks vivek.Marks
---@field looks string how it was drawn, to tell whether that has changed
---@field old string[]
---@field new string[]

---@class vivek.Item an open hunk
---@field proposal vivek.Proposal
---@field hunk vivek.Hunk
---@field place vivek.Place
---@field rank integer the order of proposals, the newest first

---@class vivek.Board
---@field buf integer
---@field list vivek.Proposal[] the oldest first
---@field items vivek.Item[] the open hunks, in the order of their lines
---@field keyed boolean whether the keys are set
---@field beside boolean? whether a diff view shows the pending hunks
---@field current vivek.Hunk? the hunk that the cursor was sent to
---@field hinted vivek.Hunk? the hunk that carries the hint
---@field tick integer? the changedtick that the items are for
---@field timer uv.uv_timer_t?
---@field listeners table<string, fun(board: vivek.Board)> by name; called after hunks have changed
---@field rejected vivek.Item[][] what was rejected, the last at the end
---@field at_last boolean? whether the buffer was at the newest state of its undo tree when last drawn
---@field unwatch fun()

---@type table<integer, vivek.Board> by buffer
local boards = {}
---@type table<integer, table<string, vivek.Outcome>> by buffer and run, also after a proposal has ended
local outcomes = {}

---@param buf integer
---@return vivek.Board?
function M.of(buf)
  return boards[buf]
end

--- What became of the hunks of a run.
---@param buf integer
---@param run string
---@return vivek.Outcome
function M.outcome(buf, run)
  local known = (outcomes[buf] or {})[run]
  return vim.deepcopy(known or { applied = 0, rejected = 0, pending = 0 })
end

--- A run begins, or proposes nothing.
---@param buf integer
---@param run string
function M.forget_outcome(buf, run)
  if outcomes[buf] then
    outcomes[buf][run] = nil
  end
end

---@param board vivek.Board
---@return boolean
local function is_open(board)
  return boards[board.buf] == board and vim.api.nvim_buf_is_loaded(board.buf)
end

---@param board vivek.Board
local function collect(board)
  local items = {}
  for age = #board.list, 1, -1 do
    local proposal = board.list[age]
    for _, hunk in ipairs(proposals.open(proposal)) do
      local place = proposal.places[hunk.id]
      items[#items + 1] = { proposal = proposal, hunk = hunk, place = place, rank = #items }
    end
  end
  -- Where two lie at the same line, the newer proposal's comes first.
  table.sort(items, function(a, b)
    if a.place.row ~= b.place.row then
      return a.place.row < b.place.row
    end
    return a.rank < b.rank
  end)
  board.items = items
end

--- Find where all hunks lie in the text as it is.
---@param board vivek.Board
function M.locate(board)
  for _, proposal in ipairs(board.list) do
    proposals.locate(proposal)
  end
  board.tick = vim.api.nvim_buf_get_changedtick(board.buf)
  collect(board)
end

--- The window whose cursor counts: the current one, or else one that shows the buffer.
---@param buf integer
---@return integer? win
function M.window_of(buf)
  if vim.api.nvim_get_current_buf() == buf then
    return vim.api.nvim_get_current_win()
  end
  local win = vim.fn.bufwinid(buf)
  return win ~= -1 and win or vim.fn.win_findbuf(buf)[1]
end

---@param buf integer
---@return integer row 0-based
local function cursor_row(buf)
  local win = M.window_of(buf)
  local line = win and vim.api.nvim_win_get_cursor(win)[1] or vim.api.nvim_buf_get_mark(buf, '"')[1]
  return math.max(line, 1) - 1
end

--- The lines that stand for a hunk on the screen, both inclusive.
---@param place vivek.Place
---@return integer first
---@return integer last
function M.rows_of(place)
  local first = draw.first_row(place)
  return first, math.max(first, draw.last_row(place))
end

--- The hunk that apply and reject mean, and that carries the hint: the one that the cursor was sent to and
--- still is on, or else the nearest.
---@param board vivek.Board located
---@return vivek.Item? item nil where none is open
---@return integer? index
function M.current(board)
  local row, nearest, least = cursor_row(board.buf), nil, math.huge
  for index, item in ipairs(board.items) do
    local first, last = M.rows_of(item.place)
    local distance = row < first and first - row or math.max(row - last, 0)
    if distance == 0 and item.hunk == board.current then
      return item, index
    elseif distance < least then
      nearest, least = index, distance
    end
  end
  return board.items[nearest], nearest
end

---@param board vivek.Board
---@return integer how many proposals have an open hunk
local function open_proposals(board)
  local seen = {}
  for _, item in ipairs(board.items) do
    seen[item.proposal.run] = true
  end
  return vim.tbl_count(seen)
end

--- Whose hunk it is, where several proposals are open.
---@param board vivek.Board
---@param item vivek.Item
---@return string
local function origin(board, item)
  local label = item.proposal.options.label
  if not label or label == '' or open_proposals(board) < 2 then
    return ''
  end
  local short = vim.fn.strcharpart(label, 0, LABEL_WIDTH)
  return (' of “%s”'):format(short == label and label or short .. '…')
end

---@param board vivek.Board
---@param item vivek.Item
---@param is_current boolean
---@return vivek.Chunk[]?
local function note_for(board, item, is_current)
  local buf, id, is_stale = board.buf, item.hunk.id, item.place.state == 'stale'
  if not (is_current or is_stale) then
    return nil
  end
  local apply, reject = keys.label(buf, 'apply'), keys.label(buf, 'reject')
  if is_stale then
    local note = 'hunk %d conflicts with your change%s · %s choose · %s keep yours'
    return { { note:format(id, origin(board, item), apply, reject), 'VivekStale' } }
  end
  local kept = item.place.merged and ', your change kept' or ''
  local note = ('hunk %d of %d%s%s · %s apply · %s reject'):format(
    id,
    #item.proposal.hunks,
    origin(board, item),
    kept,
    apply,
    reject
  )
  if #board.items > 1 then
    note = ('%s · %s next'):format(note, keys.label(buf, 'next'))
  end
  return { { note, 'VivekHint' } }
end

---@param board vivek.Board
---@param item vivek.Item
---@param view vivek.View
---@param is_current boolean
local function draw_item(board, item, view, is_current)
  local place, id = item.place, item.hunk.id
  local drawn = item.proposal.drawn[id]
  local note = note_for(board, item, is_current)
  local said = note and note[1][1] or ''
  local looks = ('%s %s %s %s %s %s'):format(
    place.state,
    view.width,
    view.wrap,
    view.tabstop,
    view.beside,
    said
  )
  local same = drawn
    and drawn.looks == looks
    and vim.deep_equal(drawn.new, place.new)
    and vim.deep_equal(drawn.old, place.old)
  if same and draw.is_at(drawn.marks, place.row) then
    return
  elseif drawn then
    draw.erase(drawn.marks)
  end
  item.proposal.drawn[id] = {
    looks = looks,
    old = place.old,
    new = place.new,
    marks = draw.hunk(board.buf, place, view, note),
  }
end

---@param board vivek.Board
---@param wanted table<vivek.Hunk, boolean>
local function erase_others(board, wanted)
  for _, proposal in ipairs(board.list) do
    for id, drawn in pairs(proposal.drawn) do
      if not wanted[proposal.hunks[id]] then
        draw.erase(drawn.marks)
        proposal.drawn[id] = nil
      end
    end
  end
end

--- The keys are there while there is something to decide.
---@param board vivek.Board
local function set_keys(board)
  local wanted = #board.items > 0
  if wanted == board.keyed then
    return
  end
  board.keyed = wanted
  for _, buf in ipairs({ board.buf, scratch.of(board.buf) }) do
    if wanted then
      keys.attach(buf)
    else
      keys.detach(buf)
    end
  end
end

---@param board vivek.Board
function M.redraw(board)
  M.locate(board)
  set_keys(board)
  local view, current, wanted = draw.view(board.buf), M.current(board), {}
  view.beside = board.beside
  board.hinted = current and current.hunk
  for _, item in ipairs(board.items) do
    wanted[item.hunk] = true
    draw_item(board, item, view, item == current)
  end
  erase_others(board, wanted)
end

--- Undo and redo leave the end of the last line alone: it is made to go with the hunk that changes it.
---@param proposal vivek.Proposal
---@param change vivek.HunkChange
local function follow_eol(proposal, change)
  local eol = change.hunk.eol
  if eol ~= nil and change.action == 'pending' then
    vim.bo[proposal.buf].endofline = proposal.eol
  elseif eol ~= nil and change.action == 'applied' then
    vim.bo[proposal.buf].endofline = eol
  end
end

--- What became of a proposal outlives this Neovim.
---@param proposal vivek.Proposal located
function M.remember(proposal)
  journal.mark(proposal.run, proposals.marks(proposal))
  if proposal.options.on_change then
    proposal.options.on_change()
  end
end

--- Tell the world what became of hunks. It comes last, when all is consistent: a listener may call back.
---@param board vivek.Board
function M.announce(board)
  local told = {}
  for _, proposal in ipairs(vim.list_slice(board.list)) do
    local changes = proposals.changes(proposal)
    outcomes[board.buf] = outcomes[board.buf] or {}
    outcomes[board.buf][proposal.run] = proposals.outcome(proposal)
    for _, change in ipairs(changes) do
      follow_eol(proposal, change)
      told[#told + 1] = { proposal = proposal, change = change }
    end
  end
  for _, one in ipairs(told) do
    vim.api.nvim_exec_autocmds('User', {
      pattern = 'VivekHunk',
      modeline = false,
      data = {
        buf = board.buf,
        run = one.proposal.run,
        hunk = one.change.hunk.id,
        action = one.change.action,
      },
    })
  end
  local changed = {}
  for _, one in ipairs(told) do
    changed[one.proposal] = true
  end
  for proposal in pairs(changed) do
    M.remember(proposal)
  end
  for _, listener in pairs(board.listeners) do
    listener(board)
  end
end

--- End all proposals of a buffer: nothing of them stays but what became of their hunks.
---@param board vivek.Board
function M.close(board)
  if boards[board.buf] ~= board then
    return
  end
  boards[board.buf] = nil
  board.unwatch()
  if board.timer then
    board.timer:close()
  end
  board.items = {}
  set_keys(board)
  if vim.api.nvim_buf_is_valid(board.buf) then
    draw.clear(board.buf)
  end
  for _, listener in pairs(board.listeners) do
    listener(board)
  end
end

--- The proposals that :VivekRestore can open again.
---@param board vivek.Board
---@return table<vivek.Proposal, boolean>
local function restorable(board)
  local found = {}
  for _, items in ipairs(board.rejected) do
    for _, item in ipairs(items) do
      found[item.proposal] = true
    end
  end
  return found
end

--- Take a proposal off the board, with what was drawn of it.
---@param board vivek.Board
---@param index integer
local function drop(board, index)
  for _, drawn in pairs(table.remove(board.list, index).drawn) do
    draw.erase(drawn.marks)
  end
end

--- Drop the proposals that nothing can open again: neither an undo of what was not written yet, nor
--- :VivekRestore.
---@param board vivek.Board
function M.tidy(board)
  while #board.rejected > REJECTS_KEPT do
    table.remove(board.rejected, 1)
  end
  local kept = restorable(board)
  for index = #board.list, 1, -1 do
    local proposal = board.list[index]
    if proposals.is_decided(proposal) and not kept[proposal] then
      drop(board, index)
    end
  end
  if #board.list == 0 then
    M.close(board)
  end
end

--- Locate, draw and tell.
---@param board vivek.Board
function M.refresh(board)
  if is_open(board) then
    M.redraw(board)
    M.announce(board)
    M.tidy(board)
  end
end

--- A proposal that has nothing open is looked at only where an undo may have opened it again.
---@param board vivek.Board
---@return boolean
local function may_rest(board)
  local tree = vim.fn.undotree(board.buf)
  return #board.items == 0 and tree.seq_cur == tree.seq_last and board.at_last
end

---@param board vivek.Board
local function refresh_soon(board)
  if not board.timer then
    board.timer = assert(vim.uv.new_timer())
  end
  board.timer:start(
    REDRAW_MS,
    0,
    vim.schedule_wrap(function()
      if is_open(board) and not may_rest(board) then
        local tree = vim.fn.undotree(board.buf)
        board.at_last = tree.seq_cur == tree.seq_last
        M.refresh(board)
      end
    end)
  )
end

--- The hint goes with the cursor. Where the text has just changed, it waits for all to be located: a key
--- must not.
---@param board vivek.Board
local function follow_cursor(board)
  if not is_open(board) or board.tick ~= vim.api.nvim_buf_get_changedtick(board.buf) then
    return
  end
  local current = M.current(board)
  if current and current.hunk ~= board.hinted then
    M.redraw(board)
  end
end

--- Virtual lines above line 1 are shown where the window comes to the top of the buffer.
---@param board vivek.Board
---@param win integer
local function reveal_top(board, win)
  local first = not board.beside and board.items[1]
  if first and draw.last_row(first.place) < 0 then
    draw.reveal_top(win, #first.place.new)
  end
end

--- The buffer whose board has the proposal of a run.
---@param run string
---@return integer?
function M.holder(run)
  for buf, board in pairs(boards) do
    for _, proposal in ipairs(board.list) do
      if proposal.run == run then
        return buf
      end
    end
  end
end

--- A proposal goes with its buffer to another file, once the text is there: until then what is on disk under
--- the old name is what a killed Neovim leaves.
---@param board vivek.Board
local function follow_file(board)
  local path = capture.path(board.buf)
  if path ~= '' and vim.uv.fs_stat(path) then
    for _, proposal in ipairs(board.list) do
      journal.move(proposal.run, path)
    end
  end
end

--- The text is on disk: what is applied stays so.
---@param board vivek.Board
function M.settle(board)
  follow_file(board)
  M.locate(board)
  for _, proposal in ipairs(board.list) do
    if proposals.settle(proposal) then
      M.remember(proposal)
    end
  end
  M.announce(board)
  M.tidy(board)
end

---@param board vivek.Board
---@return vivek.Watcher
local function watcher_of(board)
  local function later()
    refresh_soon(board)
  end
  return {
    text = later,
    layout = later,
    cursor = function()
      follow_cursor(board)
    end,
    top = function(win)
      reveal_top(board, win)
    end,
    written = function()
      M.settle(board)
    end,
    reloaded = function()
      board.at_last = false
      vim.tbl_map(proposals.reloaded, board.list)
      later()
    end,
    gone = function()
      M.close(board)
    end,
  }
end

--- Put a proposal on the board of its buffer.
---@param proposal vivek.Proposal
---@return vivek.Board
function M.add(proposal)
  local board = boards[proposal.buf]
  if not board then
    board = { buf = proposal.buf, list = {}, items = {}, keyed = false, listeners = {}, rejected = {} }
    boards[proposal.buf] = board
    board.unwatch = watch.buffer(proposal.buf, watcher_of(board))
  end
  for index, other in ipairs(board.list) do
    if other.run == proposal.run then
      drop(board, index)
      break
    end
  end
  table.insert(board.list, proposal)
  follow_file(board)
  return board
end

--- Bring hunks that are drawn above line 1 on the screen.
---@param board vivek.Board
function M.reveal(board)
  for _, win in ipairs(vim.fn.win_findbuf(board.buf)) do
    reveal_top(board, win)
  end
end

--- The place in the list of open hunks that a step leads to from the cursor.
---@param board vivek.Board located
---@param steps integer backwards where negative
---@return vivek.Item
function M.stepped(board, steps)
  local row, before, at = cursor_row(board.buf), 0, nil
  for index, item in ipairs(board.items) do
    local first, last = M.rows_of(item.place)
    local on_it = row >= first and row <= last
    if on_it and (not at or item.hunk == board.current) then
      at = index
    elseif last < row then
      before = index
    end
  end
  -- Between two hunks, the first step forward leads to the one after the cursor, and backward to the one
  -- before it.
  local from = at or (steps > 0 and before or before + 1)
  return board.items[(from + steps - 1) % #board.items + 1]
end

return M
