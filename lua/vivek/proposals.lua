--- What can be done with proposed hunks: show them, walk through them, apply, reject, restore.
---
--- It bridges the commands, and the runs that propose, to the hunks of a buffer. The text and its undo
--- history stay untouched until a hunk is applied, and what a hunk would overwrite is compared in the
--- very tick that applies it: the user's own changes are merged into it, or it is a conflict that the
--- user decides on.

local apply = require('vivek.apply')
local boards = require('vivek.board')
local chosen = require('vivek.chosen')
local conflict = require('vivek.conflict')
local cursor = require('vivek.cursor')
local draw = require('vivek.draw')
local highlight = require('vivek.highlight')
local keys = require('vivek.keys')
local message = require('vivek.message')
local proposals = require('vivek.proposal')

local M = {}

---@param buf integer
---@return integer
local function resolved(buf)
  return buf == 0 and vim.api.nvim_get_current_buf() or buf
end

--- The hunks that a new proposal takes the place of: those it was made from, and those that the user saw in
--- the same lines when they asked again.
---@param board vivek.Board
---@param proposal vivek.Proposal
---@return table<vivek.Proposal, vivek.Hunk[]>
local function replaced_by(board, proposal)
  local options, replaced = proposal.options, {}
  for _, item in ipairs(board.items) do
    local run = item.proposal.run
    local follows = run == options.follows
    local here = vim.list_contains(options.replaces or {}, run)
      and vim.iter(proposals.open(proposal)):any(function(hunk)
        return chosen.meet(proposal.places[hunk.id], item.place)
      end)
    if item.proposal ~= proposal and (follows or here) then
      replaced[item.proposal] = replaced[item.proposal] or {}
      table.insert(replaced[item.proposal], item.hunk)
    end
  end
  return replaced
end

--- Reject hunks, all in one go for `:VivekRestore`.
---@param board vivek.Board
---@param items vivek.Item[]
local function reject_items(board, items)
  for _, item in ipairs(items) do
    proposals.decide(item.proposal, { item.hunk }, 'rejected')
  end
  table.insert(board.rejected, items)
end

--- Propose edits of a buffer. Earlier proposals of it stay, but for what this one takes the place of.
---@param buf integer
---@param run string
---@param base_lines string[] the buffer's lines that the edits are made for
---@param edits vivek.TextEdit[]
---@param options? vivek.ProposalOptions
function M.show(buf, run, base_lines, edits, options)
  highlight.setup()
  buf = resolved(buf)
  boards.forget_outcome(buf, run)
  local proposal = proposals.new(buf, run, base_lines, edits, options or {})
  if not proposal then
    return
  end
  local board = boards.add(proposal)
  boards.locate(board)
  local replaced = {}
  for other, hunks in pairs(replaced_by(board, proposal)) do
    for _, hunk in ipairs(hunks) do
      replaced[#replaced + 1] = { proposal = other, hunk = hunk }
    end
  end
  if #replaced > 0 then
    reject_items(board, replaced)
  end
  boards.refresh(board)
  boards.reveal(board)
end

--- The board of a buffer, located; the user is told where there is none.
---@param buf integer
---@return vivek.Board?
local function located_board(buf)
  local board = boards.of(resolved(buf))
  if board and not vim.api.nvim_buf_is_loaded(board.buf) then
    message.error('The buffer that these hunks are for is not loaded.', 'Open its file again.')
    return nil
  end
  if board then
    boards.locate(board)
  end
  return board
end

---@param buf integer
---@return vivek.Board?
local function open_board(buf)
  local known = boards.of(resolved(buf))
  local board = located_board(buf)
  if known and not board then
    return nil
  elseif not board or #board.items == 0 then
    message.info('no hunks are proposed here. :VivekAsk asks for some.')
    return nil
  end
  return board
end

---@param board vivek.Board
---@param items vivek.Item[]
local function put(board, items)
  local located, by_proposal = {}, {}
  for _, item in ipairs(items) do
    local place, proposal = item.place, item.proposal
    located[#located + 1] = { row = place.row, old = place.old, new = place.new, eol = item.hunk.eol }
    by_proposal[proposal] = by_proposal[proposal] or {}
    table.insert(by_proposal[proposal], item.hunk)
  end
  apply.hunks(board.buf, located)
  -- What another proposal puts there, or a conflict decided for the model, may bring back a line that a hunk
  -- took away.
  local alone = vim.tbl_count(by_proposal) == 1
    and vim.iter(items):all(function(item)
      return item.place.state == 'pending'
    end)
  for proposal, hunks in pairs(by_proposal) do
    proposals.note_applied(proposal, hunks, alone)
  end
  boards.refresh(board)
end

---@param board vivek.Board
---@param stale vivek.Item[]
local function tell_stale(board, stale)
  local lines = vim.tbl_map(function(item)
    return item.place.row + 1
  end, stale)
  local what = #lines == 1 and ('hunk %d was not applied: line %d'):format(stale[1].hunk.id, lines[1])
    or ('%d hunks were not applied: lines %s'):format(#lines, table.concat(lines, ', '))
  message.warn(
    ('%s changed since the ask. With the cursor on it, %s lets you choose, %s keeps yours.'):format(
      what,
      keys.label(board.buf, 'apply'),
      keys.label(board.buf, 'reject')
    )
  )
end

--- Ask the user about a hunk that conflicts. What they choose is done to the hunk as it is by then.
---@param buf integer
---@param hunk vivek.Hunk
local function ask_about(buf, hunk)
  ---@param done fun(board: vivek.Board, item: vivek.Item)
  ---@return fun()
  local function with_item(done)
    return function()
      local item = M.find(buf, hunk)
      if item then
        done(assert(boards.of(buf)), item)
      end
    end
  end
  conflict.ask(hunk, {
    theirs = with_item(function(board, item)
      put(board, { item })
    end),
    mine = with_item(function(board, item)
      reject_items(board, { item })
      boards.refresh(board)
    end),
    edit = with_item(function()
      require('vivek.edit').open(buf, hunk)
    end),
  })
end

--- An open hunk as it is now.
---@param buf integer
---@param hunk vivek.Hunk
---@return vivek.Item?
function M.find(buf, hunk)
  local board = located_board(buf)
  for _, item in ipairs(board and board.items or {}) do
    if item.hunk == hunk then
      return item
    end
  end
end

--- The hunk under the cursor, or the nearest one; the user is told where there is none.
---@param buf integer
---@return vivek.Item?
function M.current(buf)
  local board = open_board(buf)
  return board and cursor.current(board)
end

---@param buf integer
---@return boolean
local function takes_changes(buf)
  local reason, hint = apply.refusal(buf)
  if reason then
    message.error(reason, hint)
  end
  return not reason
end

--- Apply the current hunk, or `count` hunks from it on, or those of some lines, or all: one undo block
--- for all of them. The user is asked about one that conflicts; of several, those are left out, and the
--- user is told.
---@param buf integer
---@param choice? vivek.Choice
function M.apply(buf, choice)
  choice = choice or {}
  local board = open_board(buf)
  if not board or not takes_changes(board.buf) then
    return
  end
  local items = chosen.items(board, choice)
  if #items == 1 and items[1].place.state == 'stale' and not choice.theirs and not choice.all then
    return ask_about(board.buf, items[1].hunk)
  end
  local fitting, stale = {}, {}
  for _, item in ipairs(items) do
    local fits = item.place.state == 'pending' or choice.theirs
    table.insert(fits and fitting or stale, item)
  end
  if #stale > 0 then
    tell_stale(board, stale)
  end
  fitting = chosen.apart(fitting)
  if #fitting > 0 then
    put(board, fitting)
  end
end

--- Reject the current hunk, or `count` hunks from it on, or those of some lines, or all. The text stays
--- as it is.
---@param buf integer
---@param choice? vivek.Choice
function M.reject(buf, choice)
  local board = open_board(buf)
  local items = board and chosen.items(board, choice or {}) or {}
  if board and #items > 0 then
    reject_items(board, items)
    boards.refresh(board)
  end
end

--- Take the last reject back, or with `all` every one.
---@param buf integer
---@param choice? { all?: boolean }
function M.restore(buf, choice)
  local board = located_board(buf)
  if not board or #board.rejected == 0 then
    return message.info('no hunk was rejected here.')
  end
  repeat
    for _, item in ipairs(table.remove(board.rejected)) do
      proposals.decide(item.proposal, { item.hunk }, nil)
    end
  until #board.rejected == 0 or not (choice and choice.all)
  boards.refresh(board)
end

---@param buf integer
---@param steps integer
local function go(buf, steps)
  local board = open_board(buf)
  local win = board and cursor.window_of(board.buf)
  if not board then
    return
  elseif not win then
    return message.warn('the buffer of these hunks is in no window. Show it, then try again.')
  end
  local item = cursor.stepped(board, steps)
  board.current = item.hunk
  draw.go_to(win, item.place)
  boards.redraw(board)
  local diff = package.loaded['vivek.diff']
  if diff then
    diff.follow(board.buf)
  end
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

--- Let lines of the user's stand in place of what the model wrote in a hunk.
---@param buf integer
---@param hunk vivek.Hunk
---@param lines string[]
---@param place vivek.Place what the user saw of the hunk when they wrote them
---@return boolean done false where the hunk is not open any more
function M.edit(buf, hunk, lines, place)
  local item = M.find(resolved(buf), hunk)
  if not item then
    return false
  end
  proposals.edit(item.proposal, hunk, lines, place)
  local board = assert(boards.of(resolved(buf)))
  boards.refresh(board)
  boards.remember(item.proposal)
  return true
end

---@class vivek.HunkInfo
---@field id integer
---@field run string
---@field state vivek.HunkState
---@field first? integer 1-based line in the buffer as it is; of rejected and written hunks nothing is told
---@field last? integer inclusive; before `first` where the hunk only adds lines
---@field old string[] the lines from `first` to `last`
---@field new string[] what applying it puts there
---@field merged boolean whether the user's own changes are in `new`

--- The hunks of a buffer's proposals, as data.
---@param buf integer
---@param run? string of this run alone
---@return vivek.HunkInfo[]
function M.hunks(buf, run)
  local board = boards.of(resolved(buf))
  if not board or not vim.api.nvim_buf_is_loaded(board.buf) then
    return {}
  end
  boards.locate(board)
  local infos = {}
  for _, proposal in ipairs(board.list) do
    for _, hunk in ipairs(proposal.run == (run or proposal.run) and proposal.hunks or {}) do
      local place = not hunk.verdict and proposal.places[hunk.id]
      infos[#infos + 1] = {
        id = hunk.id,
        run = proposal.run,
        state = proposals.state(proposal, hunk),
        first = place and place.row + 1 or nil,
        last = place and place.row + #place.old or nil,
        old = place and place.old or hunk.old,
        new = place and place.new or hunk.new,
        merged = place and place.merged or false,
      }
    end
  end
  return infos
end

--- The runs whose hunks are open in a buffer, the newest first.
---@param buf integer
---@return string[]
function M.open_runs(buf)
  local board = boards.of(resolved(buf))
  local runs = {}
  if board and vim.api.nvim_buf_is_loaded(board.buf) then
    boards.locate(board)
    for index = #board.list, 1, -1 do
      if #proposals.open(board.list[index]) > 0 then
        runs[#runs + 1] = board.list[index].run
      end
    end
  end
  return runs
end

---@param buf integer
---@param run string
---@return vivek.Proposal?
local function proposal_of(buf, run)
  local board = boards.of(resolved(buf))
  return vim.iter(board and board.list or {}):find(function(proposal)
    return proposal.run == run
  end)
end

--- The buffer that has the proposal of a run, open or not.
---@param run string
---@return integer? buf
function M.holder(run)
  return boards.holder(run)
end

--- The text of a buffer is on disk: what is applied of its proposals stays so.
---@param buf integer
function M.settle(buf)
  local board = boards.of(resolved(buf))
  if board then
    boards.settle(board)
  end
end

--- The buffer's text as it would be with the pending hunks of one proposal applied, the stale ones left out.
---@param buf integer
---@param run? string the run that proposed them, else the newest with an open hunk
---@return vivek.PendingText? pending nil where nothing is open
---@return string? run
function M.pending_text(buf, run)
  local open = M.open_runs(buf)
  run = vim.list_contains(open, run) and run or open[1]
  local proposal = run and proposal_of(buf, run)
  if proposal then
    return proposals.pending_text(proposal), run
  end
end

--- Take all proposals of a buffer away; their open hunks stay undecided.
---@param buf integer
function M.clear(buf)
  local board = boards.of(resolved(buf))
  if board then
    boards.close(board)
  end
end

--- What became of the hunks of a run; also after its proposal has ended.
---@param buf integer
---@param run string
---@return vivek.Outcome
function M.outcome(buf, run)
  return boards.outcome(resolved(buf), run)
end

return M
