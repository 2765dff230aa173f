--- Hunks whose lines were cut out, in whole, and put elsewhere.
---
--- It bridges a hunk and the one place where its lines stand now with those around them. Where they stand
--- nowhere, or in two places, it says nothing.

local M = {}

-- So many lines around a hunk tell its lines from others that are alike.
local CONTEXT = 3

---@param line string
---@return boolean
local function is_blank(line)
  return not line:find('%S')
end

---@param lines string[]
---@param first integer
---@param last integer
---@return boolean
local function any_word(lines, first, last)
  return table.concat(lines, ' ', first + 1, last):find('[%w_\128-\255]') ~= nil
end

--- The lines that went together with a hunk's: up to three at each side, blank ones at the ends left out, for
--- those may stay behind.
---@param sweep vivek.Sweep
---@param span vivek.Extent
---@param region vivek.Region
---@return vivek.Extent? block nil where it is too little to tell it from others
local function block_of(sweep, span, region)
  local lines, finish = sweep.reference, region.start + region.count
  local first, last = math.max(span.first - CONTEXT, region.start), math.min(span.last + CONTEXT, finish)
  local context = span.first - first + last - span.last
  local is_whole = first == region.start and last == finish
  while first < span.first and is_blank(lines[first + 1]) do
    first = first + 1
  end
  while last > span.last and is_blank(lines[last]) do
    last = last - 1
  end
  local tells = any_word(lines, first, last) and (is_whole or context >= CONTEXT)
  return tells and { first = first, last = last } or nil
end

--- Where the lines of a block stand.
---@param sweep vivek.Sweep
---@param block vivek.Extent
---@return integer? row nil where they stand nowhere, or more than once
local function only_row(sweep, block)
  local lines, current, found = sweep.reference, sweep.current, nil
  local count = block.last - block.first
  for row = 0, #current - count do
    local offset = 1
    while offset <= count and current[row + offset] == lines[block.first + offset] do
      offset = offset + 1
    end
    if offset > count then
      if found then
        return nil
      end
      found = row
    end
  end
  return found
end

--- Where a hunk's lines stand that were cut out, in whole, and put elsewhere.
---@param sweep vivek.Sweep
---@param span vivek.Extent
---@return integer? row
function M.row(sweep, span)
  for _, region in ipairs(sweep.whole) do
    local finish = region.start + region.count
    local around = region.start < span.first and span.last < finish
    if around or span.first < span.last and region.start <= span.first and span.last <= finish then
      local block = block_of(sweep, span, region)
      local row = block and only_row(sweep, block)
      return row and row + span.first - block.first
    end
  end
end

--- A hunk that followed its lines must not share any with one that stayed.
---@param sweep vivek.Sweep
---@param all vivek.Hunk[]
---@param places table<integer, vivek.Place>
function M.part(sweep, all, places)
  for _, hunk in ipairs(sweep.moved) do
    local place = places[hunk.id]
    local last = place.row + #place.old
    for _, other in ipairs(all) do
      local there = places[other.id]
      local meets = there.row < last and place.row < there.row + #there.old or there.row == place.row
      if other ~= hunk and meets and there.state == 'pending' and place.state == 'pending' then
        places[hunk.id] = { state = 'stale', row = place.row, old = {}, new = (hunk.resolution or hunk).new }
      end
    end
  end
end

return M
