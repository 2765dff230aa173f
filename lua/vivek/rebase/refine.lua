--- What the user changed, told so finely that a change beside a hunk can be told from one of the hunk.
---
--- It bridges the regions of a diff, which take changes of neighbouring lines for one, and the hunks. What it
--- doesn't do: judge what a change makes of a hunk.

local text = require('vivek.text')

local M = {}

---@param old string
---@param new string
---@return boolean
local function alike(old, new)
  local removed, added = text.changed_words(old, new)
  return old == new or #removed + #added > 0
end

--- Whether the lines at both sides of a bound stand in pairs: what was changed above it and what was changed
--- below it can be told apart.
---@param region vivek.Region
---@param bound integer
---@param sweep vivek.Sweep
---@return boolean
local function is_seam(region, bound, sweep)
  local to = region.to + bound - region.start
  return bound > region.start
    and bound < region.start + region.count
    and alike(sweep.reference[bound], sweep.current[to])
    and alike(sweep.reference[bound + 1], sweep.current[to + 1])
end

--- Cut a region at the lines where a hunk begins or ends, as far as its lines stand in pairs.
---@param region vivek.Region
---@param sweep vivek.Sweep
---@param bounds integer[]
---@param into vivek.Region[]
local function cut(region, sweep, bounds, into)
  local start = region.start
  if region.count == region.added then
    for _, bound in ipairs(bounds) do
      if bound > start and is_seam(region, bound, sweep) then
        local count = bound - start
        into[#into + 1] =
          { start = start, count = count, to = region.to + start - region.start, added = count }
        start = bound
      end
    end
  end
  local done = start - region.start
  into[#into + 1] = {
    start = start,
    count = region.count - done,
    to = region.to + done,
    added = region.added - done,
  }
end

---@param region vivek.Region
---@param after vivek.Region
---@return boolean
local function touch(region, after)
  return region.start + region.count == after.start and region.to + region.added == after.to
end

---@param region vivek.Region
---@param sweep vivek.Sweep
---@return boolean
local function begins_alike(region, sweep)
  return region.count > 0
    and region.count == region.added
    and alike(sweep.reference[region.start + 1], sweep.current[region.to + 1])
end

---@param region vivek.Region
---@param sweep vivek.Sweep
---@return boolean
local function ends_alike(region, sweep)
  return region.count > 0
    and region.count == region.added
    and alike(sweep.reference[region.start + region.count], sweep.current[region.to + region.added])
end

--- A change of many lines, told line by line where old and new ones are alike: what was changed beside a
--- hunk must not make it stale.
---@param region vivek.Region
---@param sweep vivek.Sweep
---@param bounds integer[]
---@return vivek.Region[]
local function refined(region, sweep, bounds)
  local before = vim.list_slice(sweep.reference, region.start + 1, region.start + region.count)
  local after = vim.list_slice(sweep.current, region.to + 1, region.to + region.added)
  local pieces, result = {}, {}
  for _, inner in ipairs(text.aligned(before, after)) do
    inner.start, inner.to = inner.start + region.start, inner.to + region.to
    local last = pieces[#pieces]
    if last and touch(last, inner) and not (ends_alike(last, sweep) or begins_alike(inner, sweep)) then
      last.count, last.added = last.count + inner.count, last.added + inner.added
    else
      pieces[#pieces + 1] = inner
    end
  end
  for _, piece in ipairs(pieces) do
    cut(piece, sweep, bounds, result)
  end
  return result
end

--- The regions, those refined that change a hunk's lines and others'.
---@param sweep vivek.Sweep
---@param all vivek.Hunk[]
---@param spans table<integer, vivek.Extent>
---@return vivek.Region[]
function M.regions(sweep, all, spans)
  local result, next_hunk = {}, 1
  for _, region in ipairs(sweep.regions) do
    local finish, bounds = region.start + region.count, {}
    while all[next_hunk] and spans[all[next_hunk].id].last < region.start do
      next_hunk = next_hunk + 1
    end
    local index = next_hunk
    while all[index] and spans[all[index].id].first < finish do
      local span = spans[all[index].id]
      for _, bound in ipairs({ span.first, span.last }) do
        if bound > region.start and bound < finish then
          bounds[#bounds + 1] = bound
        end
      end
      index = index + 1
    end
    if #bounds == 0 or region.added == 0 then
      result[#result + 1] = region
    else
      vim.list_extend(result, refined(region, sweep, bounds))
    end
  end
  return result
end

return M
