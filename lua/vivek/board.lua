--- The open hunks of one buffer, those of all its proposals together, kept right while the buffer changes.
---
--- It bridges proposals, what is drawn of them, and whoever wants to know what became of their hunks.
--- Positions are found anew in every tick that draws; what is drawn is never read. What it doesn't do: change
--- the text, or decide anything.

local capture = require('vivek.capture')
local cursor = require('vivek.cursor')
local display = require('vivek.display')
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
  local current = cursor.current(board)
  board.hinted = current and current.hunk
  display.draw(board, current)
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
  journal.mark(proposal.run, proposals.new_marks(proposal))
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
  local current = cursor.current(board)
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

return M
