--- Hunks as plain data: made of text edits, located in a text that moved on, put into lines.
---
--- It bridges the LSP text edits that the agent answers with and the whole-line replacements that Neovim
--- draws and applies. It touches no buffer: lines go in, lines and numbers come out. Lines are counted from 0
--- here, ends are exclusive.

local text = require('vivek.text')

local M = {}

---@alias vivek.HunkState 'pending'|'applied'|'rejected'

---@class vivek.Hunk `old` lines from `start` on, in the text at the ask, become `new` lines
---@field id integer 1 is the first in the text
---@field start integer
---@field old string[]
---@field new string[]
---@field eol boolean? whether the last line ends in a newline afterwards, where the hunk changes just that
---@field state vivek.HunkState

---@class vivek.Place where a hunk lies in a text
---@field row integer its first line; of a stale hunk the line nearest to where it was
---@field stale boolean the lines that it replaces are not there any more

---@class vivek.Change `count` lines from `start` on become `added` lines
---@field start integer
---@field count integer
---@field added integer

---@alias vivek.Position { line: integer, character: integer } 0-based, in UTF-16 units

---@class vivek.TextEdit
---@field range { start: vivek.Position, ['end']: vivek.Position }
---@field newText string

--- A text as what its newlines separate: after a final newline there is one more, empty piece.
---@param lines string[]
---@param eol boolean
---@return string[]
local function pieces_of(lines, eol)
  if eol then
    local pieces = vim.list_slice(lines)
    pieces[#pieces + 1] = ''
    return pieces
  end
  return lines
end

---@param pieces string[]
---@param position vivek.Position
---@return integer line
---@return integer byte
local function resolve(pieces, position)
  if position.line >= #pieces then
    return #pieces - 1, #pieces[#pieces]
  end
  return position.line, text.byte_of_utf16(pieces[position.line + 1], position.character)
end

---@class vivek.Rewrite pieces `first` to `last` (inclusive) become `new`
---@field first integer
---@field last integer
---@field new string[]
---@field rest string what follows the edit in the last piece

---@param edit vivek.TextEdit
---@param pieces string[]
---@param previous vivek.Rewrite?
---@return vivek.Rewrite rewrite the previous one, grown, where both touch the same line
---@return boolean grown
local function rewrite_of(edit, pieces, previous)
  local first, from = resolve(pieces, edit.range.start)
  local last, to = resolve(pieces, edit.range['end'])
  local added = vim.split(edit.newText, '\n', { plain = true })
  local rest = pieces[last + 1]:sub(to + 1)
  if previous and previous.last == first then
    local taken = #pieces[first + 1] - #previous.rest
    previous.new[#previous.new] = previous.new[#previous.new]
      .. pieces[first + 1]:sub(taken + 1, from)
      .. added[1]
    vim.list_extend(previous.new, added, 2)
    previous.last, previous.rest = last, rest
    return previous, true
  end
  added[1] = pieces[first + 1]:sub(1, from) .. added[1]
  return { first = first, last = last, new = added, rest = rest }, false
end

---@param edits vivek.TextEdit[]
---@param pieces string[]
---@return vivek.Rewrite[]
local function rewrites_of(edits, pieces)
  local rewrites = {}
  for _, edit in ipairs(edits) do
    local rewrite, grown = rewrite_of(edit, pieces, rewrites[#rewrites])
    if not grown then
      rewrites[#rewrites + 1] = rewrite
    end
  end
  for _, rewrite in ipairs(rewrites) do
    rewrite.new[#rewrite.new] = rewrite.new[#rewrite.new] .. rewrite.rest
  end
  return rewrites
end

--- Take away what both sides begin and end with.
---@param start integer
---@param old string[]
---@param new string[]
---@return integer start
---@return string[] old
---@return string[] new
local function trimmed(start, old, new)
  local prefix, suffix, limit = 0, 0, math.min(#old, #new)
  while prefix < limit and old[prefix + 1] == new[prefix + 1] do
    prefix = prefix + 1
  end
  while suffix < limit - prefix and old[#old - suffix] == new[#new - suffix] do
    suffix = suffix + 1
  end
  return start + prefix,
    vim.list_slice(old, prefix + 1, #old - suffix),
    vim.list_slice(new, prefix + 1, #new - suffix)
end

--- The last piece of a text is not a line where it is empty: it says that the line before ends in a newline.
---@param pieces string[] the piece is taken off
---@return boolean ended
local function take_newline(pieces)
  if pieces[#pieces] == '' then
    pieces[#pieces] = nil
    return true
  end
  return false
end

---@param rewrite vivek.Rewrite
---@param pieces string[]
---@param eol boolean
---@return vivek.Hunk? hunk nil where nothing changes
local function hunk_of(rewrite, pieces, eol)
  local old = vim.list_slice(pieces, rewrite.first + 1, rewrite.last + 1)
  local new, ended = rewrite.new, nil
  if rewrite.last == #pieces - 1 then
    if eol then
      old[#old] = nil
    end
    local newline, emptied = take_newline(new), rewrite.first == 0 and #new == 0
    if emptied and #pieces == 1 and pieces[1] == '' then
      return nil
    elseif newline ~= eol and not emptied then
      ended = newline
    end
  end
  local start
  start, old, new = trimmed(rewrite.first, old, new)
  if #old == 0 and #new == 0 and ended == nil then
    return nil
  end
  return { start = start, old = old, new = new, eol = ended, state = 'pending' }
end

--- The hunks that text edits make of a text. Edits that touch the same line become one hunk.
---@param lines string[] one empty line is the empty text
---@param eol boolean whether the last line ends in a newline
---@param edits vivek.TextEdit[] in order, not overlapping
---@return vivek.Hunk[]
function M.from_edits(lines, eol, edits)
  eol = eol and not (#lines == 1 and lines[1] == '')
  local pieces = pieces_of(lines, eol)
  local hunks = {}
  for _, rewrite in ipairs(rewrites_of(edits, pieces)) do
    local hunk = hunk_of(rewrite, pieces, eol)
    if hunk then
      hunk.id = #hunks + 1
      hunks[hunk.id] = hunk
    end
  end
  return hunks
end

---@class vivek.Insertion : vivek.Change
---@field new string[]

--- Lines after changes, which lie in order and do not overlap.
---@param lines string[]
---@param changes vivek.Insertion[]
---@return string[]
function M.replaced(lines, changes)
  local result, copied = {}, 0
  for _, change in ipairs(changes) do
    vim.list_extend(result, lines, copied + 1, change.start)
    vim.list_extend(result, change.new)
    copied = change.start + change.count
  end
  return vim.list_extend(result, lines, copied + 1)
end

---@param hunk vivek.Hunk
---@param row integer
---@return vivek.Insertion
function M.change(hunk, row)
  return { start = row, count = #hunk.old, added = #hunk.new, new = hunk.new }
end

--- The text at the ask with the applied hunks in it: what the buffer holds where the user typed nothing.
---@param base string[]
---@param hunks vivek.Hunk[]
---@return string[] reference
---@return table<integer, integer> starts where each hunk that is not applied begins in it, by id
---@return vivek.Insertion[] applied
function M.reference(base, hunks)
  local applied, starts, offset = {}, {}, 0
  for _, hunk in ipairs(hunks) do
    if hunk.state == 'applied' then
      applied[#applied + 1] = M.change(hunk, hunk.start)
      offset = offset + #hunk.new - #hunk.old
    else
      starts[hunk.id] = hunk.start + offset
    end
  end
  return #applied > 0 and M.replaced(base, applied) or base, starts, applied
end

---@param hunk vivek.Hunk
---@param row integer
---@param lines string[]
---@return boolean
local function holds(hunk, row, lines)
  for index, line in ipairs(hunk.old) do
    if lines[row + index] ~= line then
      return false
    end
  end
  return row <= #lines
end

--- How far an inserted or deleted block can slide among lines that repeat it: a diff may put it at any of
--- these places.
---@param lines string[] the text that has the block
---@param first integer
---@param length integer
---@return integer up
---@return integer down
local function slack(lines, first, length)
  local up, down = 0, 0
  while first - up > 0 and lines[first - up] == lines[first - up + length] do
    up = up + 1
  end
  while first + down + length < #lines and lines[first + down + 1] == lines[first + down + length + 1] do
    down = down + 1
  end
  return up, down
end

---@class vivek.Sweep what is known on the way from hunk to hunk
---@field reference string[]
---@field current string[]
---@field regions vivek.Region[] what the user changed
---@field passed integer number of regions that end before the hunk, or at its first line
---@field offset integer lines that these added
---@field floor integer line of the reference above which no region can slide any more: a hunk is there
---@field taken integer line of the current text up to which lines belong to hunks

--- How far to move a change out of a hunk's lines, where it is as well one above or below them: a line that
--- repeats its neighbours was added or taken away, and which of them it was cannot be told.
---@param region vivek.Region
---@param after vivek.Region?
---@param start integer
---@param count integer
---@param sweep vivek.Sweep
---@return integer? lines upwards where negative; nil where the hunk's lines did change
local function way_aside(region, after, start, count, sweep)
  local up, down
  if region.count == 0 then
    up, down = slack(sweep.current, region.to, region.added)
  elseif region.added == 0 then
    up, down = slack(sweep.reference, region.start, region.count)
  else
    return nil
  end
  local finish = region.start + region.count
  local upward, downward = finish - start, start + count - region.start
  if upward <= up and region.start - upward >= sweep.floor then
    return -upward
  elseif downward <= down and (not after or finish + downward <= after.start) then
    return downward
  end
end

--- Go past the regions that only move a hunk.
---@param sweep vivek.Sweep
---@param start integer
---@return vivek.Region? next the first one that ends below the hunk's first line
local function pass_regions(sweep, start)
  local region = sweep.regions[sweep.passed + 1]
  while region and region.start + region.count <= start do
    sweep.passed, sweep.offset = sweep.passed + 1, sweep.offset + region.added - region.count
    sweep.floor = math.max(sweep.floor, region.start + region.count)
    region = sweep.regions[sweep.passed + 1]
  end
  return region
end

---@param hunk vivek.Hunk
---@param start integer
---@param sweep vivek.Sweep
---@return vivek.Place
local function place_of(hunk, start, sweep)
  local count, region = #hunk.old, pass_regions(sweep, start)
  local reach = start + count
  if region and count > 0 and region.start < reach then
    local after = sweep.regions[sweep.passed + 2]
    local aside = way_aside(region, after, start, count, sweep)
    if aside then
      -- There it stays: the next hunk must not claim the lines that this one was given.
      region.start, region.to = region.start + aside, region.to + aside
      region = pass_regions(sweep, start)
    end
  end
  local row = start + sweep.offset
  if region and region.start < reach then
    row = region.start < start and region.to or row
    return { row = math.max(0, math.min(row, #sweep.current - 1)), stale = true }
  end
  local stale = row < sweep.taken or not holds(hunk, row, sweep.current)
  if not stale then
    sweep.floor, sweep.taken = reach, row + count
  end
  return { row = row, stale = stale }
end

--- Where hunks lie in the text as it is now. No two of them share a line.
---@param reference string[] what the starts refer to
---@param starts table<integer, integer> by the hunks' id
---@param hunks vivek.Hunk[] those to locate, in order
---@param current string[]
---@return table<integer, vivek.Place> places by id
---@return vivek.Region[] regions what the user changed
function M.locate(reference, starts, hunks, current)
  local sweep = {
    reference = reference,
    current = current,
    regions = text.diff(reference, current),
    passed = 0,
    offset = 0,
    floor = 0,
    taken = 0,
  }
  local places = {}
  for _, hunk in ipairs(hunks) do
    places[hunk.id] = place_of(hunk, starts[hunk.id], sweep)
  end
  return places, sweep.regions
end

--- A range of lines after changes. A change that reaches over an end of the range widens it.
---@param first integer
---@param last integer exclusive
---@param changes vivek.Change[] in order
---@param inclusive boolean whether lines added right before or after the range belong to it
---@return integer first
---@return integer last
function M.mapped(first, last, changes, inclusive)
  local from, to, shift, growth = first, last, 0, 0
  for _, change in ipairs(changes) do
    local finish = change.start + change.count
    local joins = inclusive and change.count == 0
    if finish < first or finish == first and not joins then
      shift = shift + change.added - change.count
    elseif change.start < last or change.start == last and joins then
      from, to = math.min(from, change.start), math.max(to, finish)
      growth = growth + change.added - change.count
    end
  end
  return from + shift, to + shift + growth
end

return M
