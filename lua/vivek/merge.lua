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

local close = require('vivek.merge.close')
local layout = require('vivek.merge.layout')
local plain = require('vivek.merge.plain')
local same = require('vivek.merge.weave').same

local M = {}

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

---@param old string[]
---@param mine string[]
---@param theirs string[]
---@return vivek.Piece[]
---@return integer conflicts
local function merge_of(old, mine, theirs)
  local merged = one_sided(old, mine, theirs)
    or reformatted(old, mine, theirs)
    or plain.merged(old, mine, theirs)
  if merged then
    return { { merged = merged, old = old, mine = mine, theirs = theirs } }, 0
  end
  return close.pieces(old, mine, theirs)
end

--- Lines with both sides' changes of them.
---@param old string[] the lines at the ask
---@param mine string[] what the user made of them
---@param theirs string[] what the model made of them
---@return string[]? merged nil where the changes do not go together
---@return integer conflicts in how many places they do not
function M.lines(old, mine, theirs)
  local pieces, conflicts = merge_of(old, mine, theirs)
  return conflicts == 0 and close.merged_lines(pieces) or nil, conflicts
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

--- The first conflict marker that is left. A line of seven equals signs may underline a short heading.
---@param lines string[]
---@param labels vivek.MergeLabels?
---@return integer? line 1-based; nil where none is left
function M.unresolved(lines, labels)
  local marks = marks_of(labels or LABELS)
  for index, line in ipairs(lines) do
    local above = lines[index - 1] or ''
    local is_heading = above:find('^%S') and #above <= #BETWEEN
    if vim.tbl_contains(marks, line) or line == BETWEEN and not is_heading then
      return index
    end
  end
end

return M
