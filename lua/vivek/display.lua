--- How the open hunks of a buffer are shown, each with what is to be said about it.
---
--- It bridges the hunks where they were located and what is on the screen already: only what looks otherwise
--- by now is drawn anew. What it doesn't do: say where hunks lie, or which one is the current one.

local draw = require('vivek.draw')
local keys = require('vivek.keys')

local M = {}

local LABEL_WIDTH = 24

---@class vivek.Drawn
---@field marks vivek.Marks
---@field looks string how it was drawn, to tell whether that has changed
---@field old string[]
---@field new string[]

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
---@return vivek.Chunk?
local function note_for(board, item, is_current)
  local buf, id, is_stale = board.buf, item.hunk.id, item.place.state == 'stale'
  if not (is_current or is_stale) then
    return nil
  end
  local apply, reject = keys.label(buf, 'apply'), keys.label(buf, 'reject')
  if is_stale then
    -- Of a hunk that only removes there is nothing else to see.
    local removes = #item.place.new == 0 and ' (it removes the lines)' or ''
    local note = 'hunk %d%s conflicts with your change%s · %s choose · %s keep yours'
    return { note:format(id, origin(board, item), removes, apply, reject), 'VivekStale' }
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
  return { note, 'VivekHint' }
end

---@param board vivek.Board
---@param item vivek.Item
---@param view vivek.View
---@param is_current boolean
local function draw_item(board, item, view, is_current)
  local place, id = item.place, item.hunk.id
  local drawn = item.proposal.drawn[id]
  local note = note_for(board, item, is_current)
  local said = note and note[1] or ''
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

--- Draw the open hunks, and nothing else.
---@param board vivek.Board located
---@param current vivek.Item? the one that carries the hint
function M.draw(board, current)
  local view, wanted = draw.view(board.buf), {}
  view.beside = board.beside
  for _, item in ipairs(board.items) do
    wanted[item.hunk] = true
    draw_item(board, item, view, item == current)
  end
  erase_others(board, wanted)
end

return M
