--- Which line became which: pairs of an old and a new line, and the edits between them.
---
--- It bridges a comparison of two lists of lines and the merge, which must know of every old line whether it was
--- kept, changed, or is gone. Where the user moved the indentation, or changed a few words, it is still the same
--- line.

local layout = require('vivek.merge.layout')
local text = require('vivek.text')
local weave = require('vivek.merge.weave')

local M = {}

---@class vivek.Aligned : vivek.Side
---@field lines string[]
---@field partner table<integer, integer> number of the line (1-based) that an old line (1-based) became
---@field rules vivek.Rule[]? what was done to the indentation

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

--- Pair lines of which none has another's words: those that are alike.
---@param aligner vivek.Aligner
---@param region vivek.Region
---@param old string[] bodies of its lines
---@param new string[]
local function pair_alike(aligner, region, old, new)
  local function same(start, to, length)
    pair(aligner, region.start + start, region.to + to, length, false)
  end
  go_through(text.aligned(old, new), #old, #new, same, function(inner)
    if inner.count ~= inner.added then
      add(aligner, moved(inner, region.start, region.to))
      return
    end
    for offset = 0, inner.count - 1 do
      local start, to = inner.start + offset, inner.to + offset
      if text.alike(old[start + 1], new[to + 1]) then
        pair(aligner, region.start + start, region.to + to, 1, true)
      else
        add(aligner, { start = region.start + start, count = 1, to = region.to + to, added = 1 })
      end
    end
  end)
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
    elseif #before ~= #after and reflowed(before, after) then
      add(aligner, place).reflow = true
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
