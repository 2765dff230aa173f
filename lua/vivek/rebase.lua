--- Where the hunks of a proposal lie in a text that moved on, and what became of them there.
---
--- It bridges hunks, made for the text at the ask, and the text as it is now. What it knows of the way
--- between the two is a diff; so it stays right whatever the text went through: typing, undo, a
--- formatter, a reload. It touches no buffer: lines go in, places come out. Lines are counted from 0,
--- ends are exclusive.

local hunks = require('vivek.hunks')
local merge = require('vivek.merge')
local moved = require('vivek.rebase.moved')
local refine = require('vivek.rebase.refine')
local text = require('vivek.text')

local M = {}

---@class vivek.Place what a hunk is in the text as it is
---@field state 'pending'|'applied'|'stale' stale: what the user did there and the hunk do not merge
---@field row integer its first line
---@field old string[] the lines that it stands for there: what applying it replaces
---@field new string[] what applying it puts there; of a stale hunk what the model wrote
---@field merged boolean? whether the user's own changes are in `new`
---@field base string[]? of a stale hunk: what stood there at the ask
---@field whole { row: integer, old: string[], new: string[] }? of a merged hunk: the same with the lines at
--- its ends that stay as they are

---@class vivek.Extent lines of the reference
---@field first integer
---@field last integer

---@param hunk vivek.Hunk
---@param is_applied boolean?
---@return string[] now the lines that the reference holds for it
---@return string[] otherwise those that it would hold in the other state
local function sides(hunk, is_applied)
  if is_applied then
    return hunk.new, hunk.old
  end
  return hunk.old, hunk.new
end

--- Whether a hunk changes nothing but the end of the last line: of that the lines tell nothing.
---@param hunk vivek.Hunk
---@return boolean
local function changes_no_line(hunk)
  return #hunk.old == 0 and #hunk.new == 0
end

--- The text at the ask with the applied hunks in it: what the buffer holds where the user typed nothing.
---@param base string[]
---@param all vivek.Hunk[]
---@param applied table<integer, boolean> by id
---@return string[] reference
---@return table<integer, vivek.Extent> spans by id
local function reference_of(base, all, applied)
  local changes, spans, offset = {}, {}, 0
  for _, hunk in ipairs(all) do
    local now = sides(hunk, applied[hunk.id])
    spans[hunk.id] = { first = hunk.start + offset, last = hunk.start + offset + #now }
    if applied[hunk.id] then
      changes[#changes + 1] = hunks.change(hunk, hunk.start)
      offset = offset + #hunk.new - #hunk.old
    end
  end
  return #changes > 0 and hunks.replaced(base, changes) or base, spans
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
---@field whole vivek.Region[] the same, before it was refined
---@field moved vivek.Hunk[] hunks whose lines were cut and put elsewhere
---@field passed integer number of regions that end before the hunk, or at its first line
---@field offset integer lines that these added
---@field floor integer line of the reference above which no region can slide any more: a hunk is there
---@field taken integer line of the current text up to which lines belong to hunks
---@field certain table<integer, boolean> hunks, by id, of which the belief is certain

--- How far to move a change out of a hunk's lines, where it is as well one above or below them: a line that
--- repeats its neighbours was added or taken away, and which of them it was cannot be told.
---@param region vivek.Region
---@param after vivek.Region?
---@param span vivek.Extent
---@param sweep vivek.Sweep
---@return integer? lines upwards where negative; nil where the hunk's lines did change
local function way_aside(region, after, span, sweep)
  local up, down
  if region.count == 0 then
    up, down = slack(sweep.current, region.to, region.added)
  elseif region.added == 0 then
    up, down = slack(sweep.reference, region.start, region.count)
  else
    return nil
  end
  local finish = region.start + region.count
  local upward, downward = finish - span.first, span.last - region.start
  if upward <= up and region.start - upward >= sweep.floor then
    return -upward
  elseif downward <= down and (not after or finish + downward <= after.start) then
    return downward
  end
end

--- Go past the regions that only move a hunk.
---@param sweep vivek.Sweep
---@param first integer
---@return vivek.Region? next the first one that ends below the hunk's first line
local function pass_regions(sweep, first)
  local region = sweep.regions[sweep.passed + 1]
  while region and region.start + region.count <= first do
    sweep.passed, sweep.offset = sweep.passed + 1, sweep.offset + region.added - region.count
    sweep.floor = math.max(sweep.floor, region.start + region.count)
    region = sweep.regions[sweep.passed + 1]
  end
  return region
end

---@param region vivek.Region?
---@param span vivek.Extent
---@return boolean
local function overlaps(region, span)
  return region ~= nil and region.start < span.last and region.start + region.count > span.first
end

---@param lines string[]
---@param first integer
---@param last integer
---@return string[]
local function slice(lines, first, last)
  return vim.list_slice(lines, first + 1, last)
end

---@param reference string[]
---@param span vivek.Extent
---@param wide vivek.Extent lines around it
---@param lines string[] what stands in the hunk's place
---@return string[]
local function within(reference, span, wide, lines)
  local result = slice(reference, wide.first, span.first)
  vim.list_extend(result, lines)
  return vim.list_extend(result, slice(reference, span.last, wide.last))
end

--- Take away what both sides begin and end with.
---@param place vivek.Place
---@return vivek.Place
local function trimmed(place)
  local row, old, new = hunks.trimmed(place.row, place.old, place.new)
  local whole = place.merged and { row = place.row, old = place.old, new = place.new } or nil
  return { state = place.state, row = row, old = old, new = new, merged = place.merged, whole = whole }
end

---@param hunk vivek.Hunk
---@param is_applied boolean?
---@param place { row: integer, mine: string[], now: string[], other: string[] } the user's lines, and what
--- the reference and the hunk's other state have there
---@param certain boolean?
---@return vivek.Place
local function judged(hunk, is_applied, place, certain)
  local row, mine = place.row, place.mine
  if changes_no_line(hunk) then
    return { state = is_applied and 'applied' or 'pending', row = row + #mine, old = {}, new = {} }
  elseif is_applied then
    if not certain and vim.deep_equal(mine, place.other) then
      return trimmed({ state = 'pending', row = row, old = mine, new = place.now })
    end
    return { state = 'applied', row = row, old = mine, new = mine }
  end
  local base, other = place.now, place.other
  if hunk.resolution then
    -- What the user decided is a change of the lines that they saw then.
    base, other = hunk.resolution.mine, hunk.resolution.new
  end
  local merged = merge.lines(base, mine, other)
  if not merged then
    return { state = 'stale', row = row, old = mine, new = other, base = base }
  elseif vim.deep_equal(merged, mine) then
    return { state = 'applied', row = row, old = mine, new = mine }
  end
  return trimmed({ state = 'pending', row = row, old = mine, new = merged, merged = true })
end

--- A hunk some of whose lines were changed: its lines and the changed ones around them, as they are now.
---@param hunk vivek.Hunk
---@param is_applied boolean?
---@param span vivek.Extent
---@param sweep vivek.Sweep
---@return vivek.Place
local function changed_place(hunk, is_applied, span, sweep)
  local index = sweep.passed + 1
  local region = sweep.regions[index]
  local wide = { first = math.min(span.first, region.start), last = span.last }
  local row = wide.first + sweep.offset
  local offset = sweep.offset
  while overlaps(region, span) do
    wide.last = math.max(wide.last, region.start + region.count)
    offset = offset + region.added - region.count
    index = index + 1
    region = sweep.regions[index]
  end
  local now, other = sides(hunk, is_applied)
  return judged(hunk, is_applied, {
    row = row,
    mine = slice(sweep.current, row, wide.last + offset),
    now = within(sweep.reference, span, wide, now),
    other = within(sweep.reference, span, wide, other),
  }, sweep.certain[hunk.id])
end

--- Whether the lines around a hunk were changed so closely that the change may be the hunk itself, made or
--- taken back.
---@param sweep vivek.Sweep
---@param span vivek.Extent
---@return boolean
local function is_touched(sweep, span)
  for index = math.max(sweep.passed, 1), #sweep.regions do
    local region = sweep.regions[index]
    if region.start > span.last then
      return false
    elseif region.start + region.count >= span.first then
      return true
    end
  end
  return false
end

---@param hunk vivek.Hunk
---@param is_applied boolean?
---@param row integer
---@return vivek.Place
local function kept_place(hunk, is_applied, row)
  local now, other = sides(hunk, is_applied)
  return {
    state = is_applied and 'applied' or 'pending',
    row = row,
    old = now,
    new = is_applied and now or other,
  }
end

---@param hunk vivek.Hunk
---@param is_applied boolean?
---@param span vivek.Extent
---@param sweep vivek.Sweep
---@return vivek.Place
---@return boolean touched
local function place_of(hunk, is_applied, span, sweep)
  local region = pass_regions(sweep, span.first)
  local touched = is_touched(sweep, span)
  if span.last > span.first and overlaps(region, span) then
    local aside = way_aside(region --[[@as vivek.Region]], sweep.regions[sweep.passed + 2], span, sweep)
    if aside then
      -- There it stays: the next hunk must not claim the lines that this one was given.
      region.start, region.to = region.start + aside, region.to + aside
      region = pass_regions(sweep, span.first)
    end
  end
  local place
  if overlaps(region, span) then
    local row = moved.row(sweep, span)
    if row then
      table.insert(sweep.moved, hunk)
      return kept_place(hunk, is_applied, row), false
    end
    place = changed_place(hunk, is_applied, span, sweep)
  else
    place = kept_place(hunk, is_applied, span.first + sweep.offset)
  end
  if is_applied and place.state == 'applied' and place.row < sweep.taken then
    -- The user's changes made one of it and the hunk above: that has the lines.
    place = { state = 'applied', row = sweep.taken, old = {}, new = {} }
  elseif place.state ~= 'stale' and place.row < sweep.taken then
    place = { state = 'stale', row = place.row, old = {}, new = (hunk.resolution or hunk).new }
  elseif place.state ~= 'stale' and hunk.verdict ~= 'rejected' then
    sweep.floor, sweep.taken = span.last, place.row + #place.old
  end
  return place, touched
end

---@class vivek.Located
---@field places table<integer, vivek.Place> by the hunks' id
---@field applied table<integer, boolean> by id
---@field touched table<integer, boolean> by id
---@field certain table<integer, boolean> by id
---@field regions vivek.Region[] what the user changed in the reference

---@param base string[]
---@param all vivek.Hunk[]
---@param applied table<integer, boolean>
---@param current string[]
---@param certain table<integer, boolean>
---@return vivek.Located
local function swept(base, all, applied, current, certain)
  local reference, spans = reference_of(base, all, applied)
  local sweep = {
    reference = reference,
    current = current,
    regions = text.diff(reference, current),
    moved = {},
    passed = 0,
    offset = 0,
    floor = 0,
    taken = 0,
    certain = certain,
  }
  local located = { places = {}, applied = applied, touched = {}, regions = sweep.regions, certain = certain }
  sweep.whole = sweep.regions
  sweep.regions = refine.regions(sweep, all, spans)
  for _, hunk in ipairs(all) do
    local id = hunk.id
    located.places[id], located.touched[id] = place_of(hunk, applied[id], spans[id], sweep)
  end
  moved.part(sweep, all, located.places)
  return located
end

--- The hunks whose text says that they are in the other state than was believed: where one is, the diff has
--- nothing to tell about its lines once that is believed.
---@param base string[]
---@param all vivek.Hunk[]
---@param located vivek.Located
---@param current string[]
---@return table<integer, boolean>? applied nil where the belief was right
local function corrected(base, all, located, current)
  local flipped, doubtful = vim.deepcopy(located.applied), {}
  for _, hunk in ipairs(all) do
    if located.touched[hunk.id] and not (changes_no_line(hunk) or located.certain[hunk.id]) then
      doubtful[#doubtful + 1] = hunk.id
      flipped[hunk.id] = not located.applied[hunk.id] or nil
    end
  end
  if #doubtful == 0 then
    return nil
  end
  local other, applied, found =
    swept(base, all, flipped, current, located.certain), vim.deepcopy(located.applied), false
  for _, id in ipairs(doubtful) do
    if not other.touched[id] then
      applied[id], found = flipped[id], true
    end
  end
  return found and applied or nil
end

--- Where hunks lie in the text as it is now, and which of them are in it. No two pending ones share a line.
---@param base string[] the text at the ask
---@param all vivek.Hunk[] in order
---@param applied table<integer, boolean> which are believed to be applied, by id
---@param current string[]
---@param certain? table<integer, boolean> of which hunks that is known for sure
---@return vivek.Located
function M.locate(base, all, applied, current, certain)
  certain = certain or {}
  local located = swept(base, all, applied, current, certain)
  local right = corrected(base, all, located, current)
  if right then
    located = swept(base, all, right, current, certain)
  end
  local seen = {}
  for _, hunk in ipairs(all) do
    local is_applied = located.places[hunk.id].state == 'applied'
    if certain[hunk.id] then
      is_applied = applied[hunk.id]
    end
    seen[hunk.id] = is_applied or nil
  end
  located.applied = seen
  return located
end

return M
