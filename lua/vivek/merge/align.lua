--- Which line became which: pairs of an old and a new line, and the edits between them.
---
--- It bridges a comparison of two lists of lines and the merge, which must know of every old line whether it
--- was kept, changed, or is gone. Where the user moved the indentation, or changed a few words, it is still
--- the same line.

local layout = require('vivek.merge.layout')
local likeness = require('vivek.merge.likeness')
local text = require('vivek.text')
local weave = require('vivek.merge.weave')

local M = {}

---@class vivek.Aligned : vivek.Side
---@field lines string[]
---@field partner table<integer, integer> number of the line (1-based) that an old line (1-based) became
---@field kept vivek.Rewritten[]? its lines that are not blank, and what became of them
---@field rules vivek.Rule[]? what was done to their indentation

---@param lines string[]
---@param start integer
---@param count integer
---@return string[]
local function slice(lines, start, count)
  return vim.list_slice(lines, start + 1, start + count)
end

---@param regions vivek.Region[]
---@param count integer
---@param added integer
---@param same fun(start: integer, to: integer, length: integer)
---@param different fun(region: vivek.Region)
local function go_through(regions, count, added, same, different)
  local start, to = 0, 0
  for _, region in ipairs(regions) do
    same(start, to, region.start - start)
    different(region)
    start, to = region.start + region.count, region.to + region.added
  end
  assert(count - start == added - to, 'regions of other lists')
  same(start, to, count - start)
end

---@param lines string[]
---@return string
local function words_alone(lines)
  local joined = table.concat(lines):gsub('%s+', ''):gsub("'", '"'):gsub(',([%)%]}])', '%1')
  return joined
end

--- Whether lines hold the same words as others, but for the commas and quotes that formatters change.
---@param old string[]
---@param new string[]
---@return boolean
local function reflowed(old, new)
  return words_alone(old) == words_alone(new)
end

---@class vivek.Aligner
---@field old string[]
---@field side vivek.Aligned

---@param aligner vivek.Aligner
---@param start integer
---@param to integer
---@param length integer
---@param changed boolean
local function pair(aligner, start, to, length, changed)
  for offset = 1, length do
    aligner.side.partner[start + offset] = to + offset
    aligner.side.touched[start + offset - 1] = changed or nil
  end
end

---@param aligner vivek.Aligner
---@param region vivek.Region
---@return vivek.Edit
local function add(aligner, region)
  local side, last = aligner.side, region.start + region.count
  for row = region.start, last - 1 do
    side.touched[row] = true
  end
  local items, previous = slice(side.lines, region.to, region.added), side.edits[#side.edits]
  if previous and previous.last == region.start then
    previous.last, previous.to = last, last
    vim.list_extend(previous.items, items)
    return previous
  end
  side.edits[#side.edits + 1] = weave.edit(region.start, last, items)
  return side.edits[#side.edits]
end

---@param region vivek.Region
---@param start integer
---@param to integer
---@return vivek.Region
local function moved(region, start, to)
  return { start = region.start + start, count = region.count, to = region.to + to, added = region.added }
end

---@param line string
---@return string? first
---@return string? last
local function outer_words(line)
  return line:match('^[^%w_\128-\255]*([%w_\128-\255]+)'), line:match('([%w_\128-\255]+)[^%w_\128-\255]*$')
end

---@param lines string[]
---@param start integer
---@param count integer
---@param word string?
---@return boolean
local function any_has(lines, start, count, word)
  for _, line in ipairs(slice(lines, start, count)) do
    if word and line:find(word, 1, true) then
      return true
    end
  end
  return false
end

--- Whether a line was broken, or joined with its neighbours: a word at its end (or start) went to a new line
--- beside it, or came from an old one.
---@param old string[]
---@param new string[]
---@param match { [1]: integer, [2]: integer }
---@param above vivek.Region
---@param below vivek.Region
---@return boolean
local function rebroken(old, new, match, above, below)
  local old_first, old_last = outer_words(old[match[1]])
  local new_first, new_last = outer_words(new[match[2]])
  if old_last ~= new_last then
    if any_has(new, below.to, below.added, old_last) or any_has(old, below.start, below.count, new_last) then
      return true
    end
  end
  return old_first ~= new_first
    and (any_has(new, above.to, above.added, old_first) or any_has(old, above.start, above.count, new_first))
end

--- What lies between the matches before and after a number, and the ends of the lists.
---@param matches { [1]: integer, [2]: integer }[]
---@param index integer
---@param old string[]
---@param new string[]
---@return vivek.Region
local function region_before(matches, index, old, new)
  local before, after = matches[index - 1] or { 0, 0 }, matches[index] or { #old + 1, #new + 1 }
  return {
    start = before[1],
    count = after[1] - before[1] - 1,
    to = before[2],
    added = after[2] - before[2] - 1,
  }
end

--- Pair lines that are alike, and are neither broken nor joined.
---@param aligner vivek.Aligner
---@param region vivek.Region
---@param old string[] bodies of its lines
---@param new string[]
local function pair_alike(aligner, region, old, new)
  local matches, whole = likeness.pairs(old, new), {}
  for index, match in ipairs(matches) do
    local above = region_before(matches, index, old, new)
    local below = region_before(matches, index + 1, old, new)
    if not rebroken(old, new, match, above, below) then
      whole[#whole + 1] = match
    end
  end
  for index = 1, #whole + 1 do
    local between, match = region_before(whole, index, old, new), whole[index]
    if between.count > 0 or between.added > 0 then
      local edit = add(aligner, moved(between, region.start, region.to))
      edit.reflow = reflowed(slice(old, between.start, between.count), slice(new, between.to, between.added))
    end
    if match then
      pair(aligner, region.start + match[1] - 1, region.to + match[2] - 1, 1, true)
    end
  end
end

--- Pair lines of which none is another: those that differ in white space alone, then those that are alike.
---@param aligner vivek.Aligner
---@param region vivek.Region
local function pair_region(aligner, region)
  local old = vim.tbl_map(layout.body, slice(aligner.old, region.start, region.count))
  local new = vim.tbl_map(layout.body, slice(aligner.side.lines, region.to, region.added))
  local function same(start, to, length)
    pair(aligner, region.start + start, region.to + to, length, false)
  end
  go_through(text.diff(old, new), #old, #new, same, function(inner)
    local before, after = slice(old, inner.start, inner.count), slice(new, inner.to, inner.added)
    local place = moved(inner, region.start, region.to)
    if #before == 0 or #after == 0 then
      add(aligner, place)
    else
      pair_alike(aligner, place, before, after)
    end
  end)
end

--- What became of old lines.
---@param old string[]
---@param new string[]
---@param algorithm 'histogram'|'myers'
---@return vivek.Aligned
function M.side(old, new, algorithm)
  local side = { lines = new, partner = {}, edits = {}, touched = {}, inserted = {} }
  local aligner = { old = old, side = side }
  local function same(start, to, length)
    pair(aligner, start, to, length, false)
  end
  go_through(text.diff(old, new, algorithm), #old, #new, same, function(region)
    pair_region(aligner, region)
  end)
  for _, edit in ipairs(side.edits) do
    side.inserted[edit.first] = edit.first == edit.last or nil
  end
  return side
end

return M
