--- A three-way merge of lines: what the user made of some lines while a model made something else of them.
---
--- It bridges the text at the ask, the text as it is and the text that was proposed. Lists of lines go in and
--- come out; it touches no buffer and knows no language. It would rather say that two changes do not go
--- together than put them together in a way that one of both did not mean: whatever it merges holds every
--- word that either side added.
---
--- What git merges, it merges to the same text, but for two cases: where one side only indented or
--- reformatted the lines, the other side's lines follow; and a line that both sides added at different places
--- is a conflict.

local align = require('vivek.merge.align')
local layout = require('vivek.merge.layout')
local place = require('vivek.merge.place')
local text = require('vivek.text')
local weave = require('vivek.merge.weave')
local words = require('vivek.merge.words')

local M = {}

local same = weave.same

---@class vivek.Piece a part of a merge
---@field merged string[]? nil where it is a conflict
---@field old string[]
---@field mine string[]
---@field theirs string[]

---@class vivek.Merge three texts, and how the second and the third came of the first
---@field old string[]
---@field mine vivek.Aligned
---@field theirs vivek.Aligned

---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function one_sided(old, mine, theirs)
  if same(mine, old) then
    return theirs
  elseif same(theirs, old) or same(mine, theirs) then
    return mine
  end
end

--- Where one side only moved the white space, the same is done to the other side's lines.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function reformatted(old, mine, theirs)
  local rule, trail_rule = layout.uniform(old, mine)
  local other, other_rule, other_trail = theirs, layout.uniform(old, theirs)
  if rule and other_rule then
    return nil
  elseif not rule then
    rule, trail_rule, other = other_rule, other_trail, mine
  end
  if rule and trail_rule then
    return layout.applied(other, layout.follows(rule, old, other) and layout.KEEP or rule, trail_rule)
  end
end

--- Whether a line says so much that nobody would write it twice in one place.
---@param body string
---@return boolean
local function telling(body)
  return body:find('[%w_\128-\255][^%w_\128-\255]+[%w_\128-\255]') ~= nil or body:find('[%w_]%(') ~= nil
end

---@param lines string[]
---@return table<string, integer>
local function counts(lines)
  local found = {}
  for _, line in ipairs(lines) do
    local body = layout.body(line)
    found[body] = (found[body] or 0) + 1
  end
  return found
end

--- Lines that both sides added, or moved, to different places: the merged text has more of them than either
--- side.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@param merged string[]
---@return string[] bodies
local function doubled(old, mine, theirs, merged)
  local before, my_counts, their_counts = counts(old), counts(mine), counts(theirs)
  local found = {}
  for body, count in pairs(counts(merged)) do
    local most = math.max(my_counts[body] or 0, their_counts[body] or 0)
    -- Of a line that was there, one side may have added one, and the other side another one.
    local unwanted = not before[body] or most <= before[body]
    if my_counts[body] and their_counts[body] and count > most and unwanted and telling(body) then
      found[#found + 1] = body
    end
  end
  table.sort(found)
  return found
end

---@param side string[]
---@param old string[]
---@return vivek.Edit[]
local function plain_edits(old, side)
  local edits = {}
  for index, region in ipairs(text.diff(old, side, 'myers')) do
    local items = vim.list_slice(side, region.to + 1, region.to + region.added)
    edits[index] = weave.edit(region.start, region.start + region.count, items)
  end
  return edits
end

---@param group vivek.Group
---@return string[]?
local function plainly_resolved(group)
  local mine, theirs = group.mine[1], group.theirs[1]
  if not mine or not theirs then
    return (mine or theirs).items
  elseif mine.first == theirs.first and mine.last == theirs.last and same(mine.items, theirs.items) then
    return mine.items
  end
end

--- Merge as git does: nothing but changes with an unchanged line between them.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function plainly_merged(old, mine, theirs)
  local merged, copied = {}, -1
  for _, group in ipairs(weave.groups(plain_edits(old, mine), plain_edits(old, theirs))) do
    local lines = plainly_resolved(group)
    if not lines or group.from <= copied then
      return nil
    end
    vim.list_extend(merged, old, math.max(copied, 0) + 1, group.from)
    vim.list_extend(merged, lines)
    copied = group.to
  end
  vim.list_extend(merged, old, math.max(copied, 0) + 1)
  return #doubled(old, mine, theirs, merged) == 0 and merged or nil
end

--- One line that both sides have, each in its own way.
---@param old string
---@param mine string
---@param theirs string
---@return string?
local function merged_line(old, mine, theirs)
  local line = words.either(old, mine, theirs)
  if line then
    return line
  end
  local old_indent, old_body, old_trail = layout.split(old)
  local my_indent, my_body, my_trail = layout.split(mine)
  local their_indent, their_body, their_trail = layout.split(theirs)
  local indent = words.either(old_indent, my_indent, their_indent)
  local trail = words.either(old_trail, my_trail, their_trail)
  local body = indent
    and trail
    and (words.either(old_body, my_body, their_body) or words.merged(old_body, my_body, their_body))
  return body and indent .. body .. trail
end

---@param lines string[]
---@return boolean
local function all_blank(lines)
  return not table.concat(lines):find('%S')
end

---@param lines string[]
---@param others string[]
---@return boolean
local function holds(lines, others)
  local found = 0
  for _, line in ipairs(lines) do
    if line == others[found + 1] then
      found = found + 1
    end
  end
  return found == #others
end

---@param mine string[] blank lines
---@param theirs string[] blank lines
---@return string[] lines those with more in them
local function more_space(mine, theirs)
  local first, second = text.join(mine), text.join(theirs)
  local fewer = #first < #second or #first == #second and first < second
  return fewer and theirs or mine
end

--- What two insertions at one place become: that which holds the other; blank lines go last.
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function merged_insertions(mine, theirs)
  if holds(mine, theirs) then
    return mine
  elseif holds(theirs, mine) then
    return theirs
  elseif all_blank(mine) and all_blank(theirs) then
    return more_space(mine, theirs)
  elseif all_blank(mine) then
    return vim.list_extend(vim.list_slice(theirs), mine)
  elseif all_blank(theirs) then
    return vim.list_extend(vim.list_slice(mine), theirs)
  end
end

-- What stands for a line break among words.
local BREAK = '\v'

--- Lines that one side only broken in another place: merged as one long line.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function merged_reflow(old, mine, theirs)
  local before, mine_joined = table.concat(old, BREAK), table.concat(mine, BREAK)
  local theirs_joined = table.concat(theirs, BREAK)
  local _, breaks = (before .. mine_joined .. theirs_joined):gsub(BREAK, '')
  if breaks ~= math.max(#old - 1, 0) + math.max(#mine - 1, 0) + math.max(#theirs - 1, 0) then
    return nil
  end
  local line = words.merged(before, mine_joined, theirs_joined)
  return line and vim.split(line, BREAK, { plain = true })
end

---@param edits vivek.Edit[]
---@return boolean
local function only_deletions(edits)
  for _, edit in ipairs(edits) do
    if #edit.items > 0 then
      return false
    end
  end
  return true
end

---@param edits vivek.Edit[]
---@return boolean
local function any_reflow(edits)
  for _, edit in ipairs(edits) do
    if edit.reflow then
      return true
    end
  end
  return false
end

---@param merge vivek.Merge
---@param group vivek.Group
---@param piece vivek.Piece what both sides made of the lines
---@return string[]?
local function resolved(merge, group, piece)
  local mine, theirs = group.mine, group.theirs
  if same(piece.mine, piece.theirs) then
    return piece.mine
  elseif any_reflow(mine) or any_reflow(theirs) then
    return merged_reflow(piece.old, piece.mine, piece.theirs)
  elseif group.unclear then
    return nil
  elseif #theirs == 0 then
    return place.lines(merge.old, mine[1], merge.mine, merge.theirs)
  elseif #mine == 0 then
    return place.lines(merge.old, theirs[1], merge.theirs, merge.mine)
  elseif group.from == group.to then
    return merged_insertions(piece.mine, piece.theirs)
  elseif only_deletions(mine) and only_deletions(theirs) then
    return {}
  end
end

--- What one side made of old lines.
---@param side vivek.Aligned
---@param edits vivek.Edit[] its edits there
---@param from integer
---@param to integer
---@return string[]
local function lines_of(side, edits, from, to)
  local lines, row = {}, from
  local function take_partners(last)
    for number = row + 1, last do
      lines[#lines + 1] = side.lines[side.partner[number]]
    end
  end
  for _, edit in ipairs(edits) do
    take_partners(edit.first)
    vim.list_extend(lines, edit.items)
    row = edit.last
  end
  take_partners(to)
  return lines
end

---@param merge vivek.Merge
---@param group vivek.Group
---@return vivek.Piece
local function piece_of(merge, group)
  local piece = {
    old = vim.list_slice(merge.old, group.from + 1, group.to),
    mine = lines_of(merge.mine, group.mine, group.from, group.to),
    theirs = lines_of(merge.theirs, group.theirs, group.from, group.to),
  }
  piece.merged = resolved(merge, group, piece)
  return piece
end

--- Add the lines that both sides have.
---@param merge vivek.Merge
---@param from integer
---@param to integer
---@param pieces vivek.Piece[]
local function add_lines(merge, from, to, pieces)
  local piece
  for number = from + 1, to do
    local old = merge.old[number]
    local mine = merge.mine.lines[merge.mine.partner[number]]
    local theirs = merge.theirs.lines[merge.theirs.partner[number]]
    local merged = merged_line(old, mine, theirs)
    if not piece or not merged or not piece.merged then
      piece = { merged = merged and {}, old = {}, mine = {}, theirs = {} }
      pieces[#pieces + 1] = piece
    end
    table.insert(piece.old, old)
    table.insert(piece.mine, mine)
    table.insert(piece.theirs, theirs)
    if merged then
      table.insert(piece.merged, merged)
    end
  end
end

--- Whether a line that one side inserted has an old line to hold on to, where the other side wrote the line
--- on its other side anew: a line that is still there and says something, or the end of the hunk.
---@param old string[]
---@param other vivek.Aligned
---@param row integer
---@param step integer
---@return boolean
local function anchored(old, other, row, step)
  while old[row + 1] and other.partner[row + 1] and not old[row + 1]:find('[%w_\128-\255]') do
    row = row + step
  end
  return not old[row + 1] or other.partner[row + 1] ~= nil
end

--- Mark the edits that must not be merged although they meet no other edit.
---@param old string[]
---@param side vivek.Aligned
---@param other vivek.Aligned
local function doubt(old, side, other)
  weave.doubt(side, old, other)
  for _, edit in ipairs(side.edits) do
    for row = edit.first, edit.last - 1 do
      edit.unclear = edit.unclear or other.touched[row] and other.partner[row + 1] ~= nil
    end
    if edit.first == edit.last then
      local row = edit.first
      local above_gone = old[row] and not other.partner[row]
      local below_gone = old[row + 1] and not other.partner[row + 1]
      if above_gone and not below_gone and not anchored(old, other, row, 1) then
        edit.from, edit.unclear = row - 1, true
      elseif below_gone and not above_gone and not anchored(old, other, row - 1, -1) then
        edit.to, edit.unclear = row + 1, true
      end
    end
  end
end

--- Put the pieces from one to another together, as one conflict.
---@param pieces vivek.Piece[]
---@param first integer
---@param last integer
---@return vivek.Piece
local function conflict(pieces, first, last)
  local whole = { old = {}, mine = {}, theirs = {} }
  for index = first, last do
    for side, lines in pairs(whole) do
      vim.list_extend(lines, pieces[index][side])
    end
  end
  return whole
end

---@param pieces vivek.Piece[]
---@param first integer
---@param last integer
local function join(pieces, first, last)
  local whole = conflict(pieces, first, last)
  for _ = first, last do
    table.remove(pieces, first)
  end
  table.insert(pieces, first, whole)
end

---@param pieces vivek.Piece[]
---@return string[]
local function merged_lines(pieces)
  local lines = {}
  for _, piece in ipairs(pieces) do
    vim.list_extend(lines, piece.merged or {})
  end
  return lines
end

--- A line that both added at different places is one conflict that reaches from the one place to the other.
---@param merge vivek.Merge
---@param pieces vivek.Piece[]
local function join_doubled(merge, pieces)
  local found = doubled(merge.old, merge.mine.lines, merge.theirs.lines, merged_lines(pieces))
  while found[1] do
    local first, last
    for index, piece in ipairs(pieces) do
      if piece.merged and counts(piece.merged)[found[1]] then
        first, last = first or index, index
      end
    end
    join(pieces, first, last)
    found = doubled(merge.old, merge.mine.lines, merge.theirs.lines, merged_lines(pieces))
  end
end

---@param pieces vivek.Piece[]
---@return vivek.Piece[] pieces no two conflicts beside each other
---@return integer conflicts
local function counted(pieces)
  local result, conflicts = {}, 0
  for index, piece in ipairs(pieces) do
    local previous = result[#result]
    if not piece.merged and previous and not previous.merged then
      result[#result] = conflict({ previous, piece }, 1, 2)
    else
      result[#result + 1] = pieces[index]
      conflicts = conflicts + (piece.merged and 0 or 1)
    end
  end
  return result, conflicts
end

--- Merge line by line, and within lines word by word.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@param algorithm 'histogram'|'myers'
---@return vivek.Piece[]
---@return integer conflicts
local function closely_merged(old, mine, theirs, algorithm)
  local merge = {
    old = old,
    mine = align.side(old, mine, algorithm),
    theirs = align.side(old, theirs, algorithm),
  }
  doubt(old, merge.mine, merge.theirs)
  doubt(old, merge.theirs, merge.mine)
  local pieces, done = {}, 0
  for _, group in ipairs(weave.groups(merge.mine.edits, merge.theirs.edits)) do
    add_lines(merge, done, group.from, pieces)
    pieces[#pieces + 1] = piece_of(merge, group)
    done = group.to
  end
  add_lines(merge, done, #old, pieces)
  join_doubled(merge, pieces)
  return counted(pieces)
end

--- The pieces of a merge, compared in the way that leaves the fewest conflicts.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return vivek.Piece[]
---@return integer conflicts
local function pieces_of(old, mine, theirs)
  local pieces, conflicts = closely_merged(old, mine, theirs, 'histogram')
  if conflicts > 0 then
    local others, fewer = closely_merged(old, mine, theirs, 'myers')
    if fewer < conflicts then
      return others, fewer
    end
  end
  return pieces, conflicts
end

---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return vivek.Piece[]
---@return integer conflicts
local function merge_of(old, mine, theirs)
  local merged = one_sided(old, mine, theirs)
    or reformatted(old, mine, theirs)
    or plainly_merged(old, mine, theirs)
  if merged then
    return { { merged = merged, old = old, mine = mine, theirs = theirs } }, 0
  end
  return pieces_of(old, mine, theirs)
end

--- Lines with both sides' changes of them.
---@param old string[] the lines at the ask
---@param mine string[] what the user made of them
---@param theirs string[] what the model made of them
---@return string[]? merged nil where the changes do not go together
---@return integer conflicts in how many places they do not
function M.lines(old, mine, theirs)
  local pieces, conflicts = merge_of(old, mine, theirs)
  return conflicts == 0 and merged_lines(pieces) or nil, conflicts
end

---@class vivek.MergeLabels names of the three texts
---@field mine string
---@field old string
---@field theirs string

---@type vivek.MergeLabels
local LABELS = { mine = 'yours', old = 'at the ask', theirs = 'model' }

---@param labels vivek.MergeLabels
---@return vivek.MergeLabels
local function marks_of(labels)
  return {
    mine = '<<<<<<< ' .. labels.mine,
    old = '||||||| ' .. labels.old,
    theirs = '>>>>>>> ' .. labels.theirs,
  }
end

local BETWEEN = '======='

--- The merged lines, and where the changes do not go together all three versions, between conflict markers.
---@param old string[]
---@param mine string[]
---@param theirs string[]
---@param labels vivek.MergeLabels?
---@return string[]
function M.markers(old, mine, theirs, labels)
  local lines, marks = {}, marks_of(labels or LABELS)
  for _, piece in ipairs((merge_of(old, mine, theirs))) do
    if piece.merged then
      vim.list_extend(lines, piece.merged)
    else
      lines[#lines + 1] = marks.mine
      vim.list_extend(lines, piece.mine)
      lines[#lines + 1] = marks.old
      vim.list_extend(lines, piece.old)
      lines[#lines + 1] = BETWEEN
      vim.list_extend(lines, piece.theirs)
      lines[#lines + 1] = marks.theirs
    end
  end
  return lines
end

--- Whether conflict markers are left. A line of seven equals signs may underline a short heading.
---@param lines string[]
---@param labels vivek.MergeLabels?
---@return boolean
function M.unresolved(lines, labels)
  local marks = marks_of(labels or LABELS)
  for index, line in ipairs(lines) do
    if line == marks.mine or line == marks.old or line == marks.theirs then
      return true
    end
    local heading = (lines[index - 1] or ''):find('^%S') and #lines[index - 1] <= #BETWEEN
    if line == BETWEEN and not heading then
      return true
    end
  end
  return false
end

return M
