--- Hunks as plain data: made of text edits, put into lines.
---
--- It bridges the LSP text edits that the agent answers with and the whole-line replacements that Neovim
--- draws and applies. It touches no buffer: lines go in, lines and numbers come out. Lines are counted from 0
--- here, ends are exclusive.

local text = require('vivek.text')

local M = {}

---@alias vivek.HunkState 'pending'|'applied'|'rejected'|'stale'

---@class vivek.Resolution what the user made of a hunk whose lines they had changed
---@field mine string[] their lines at the time
---@field new string[] what is to stand there

---@class vivek.Hunk `old` lines from `start` on, in the text at the ask, become `new` lines
---@field id integer 1 is the first in the text
---@field start integer
---@field old string[]
---@field new string[]
---@field eol boolean? whether the last line ends in a newline afterwards, where the hunk changes just that
---@field verdict 'rejected'|'written'|nil what the user decided for good; all else is seen from the text
---@field resolution vivek.Resolution?

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
function M.trimmed(start, old, new)
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
  start, old, new = M.trimmed(rewrite.first, old, new)
  if #old == 0 and #new == 0 and ended == nil then
    return nil
  end
  return { start = start, old = old, new = new, eol = ended }
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
