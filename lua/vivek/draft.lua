--- What a rewrite changes that is still being written: how far into the old lines it has come, and what is
--- different up to there.
---
--- It takes lines and returns lines and numbers, counted from 0, ends exclusive. A diff with all of the old
--- lines would not do: it finds the next blank line or `end` far below, and has all before it deleted. Here
--- the old lines beyond the place that the model has come to cost nothing, but to skip some before it does.

local text = require('vivek.text')

local M = {}

-- Costs of a new line, of one in the place of an old one, and of old lines left out. A line of few letters
-- says little: it is cheap as a new one, and does not pay for leaving others out. One that the old lines have
-- just once pays for it at once; else what is left out is believed when two lines after it have come.
local LIGHTEST, HEAVIEST, LETTER, UNIQUE = 20, 100, 10, 2.5
local UNLIKE = 15
local LEAVE, LEAVE_MORE = 100, 10
-- Lines are alike that have so much of the longer one in common.
local LIKE = 0.5

---@class vivek.Draft
---@field old string[]
---@field bare string[] the same without the white space around them
---@field new string[]
---@field blanks string[] blank lines that are new only where code follows them
---@field times table<string, integer> how often the old lines have a line
---@field costs number[] of having come to each of the old lines, from before the first one on
---@field known { count: integer, closed: boolean, changes: vivek.DraftChange[] }?

---@class vivek.DraftChange `count` old lines from `start` on become `new`
---@field start integer
---@field count integer
---@field new string[]
---@field written boolean whether the model has gone on to lines after it

--- A rewrite of some lines, nothing of it written yet.
---@param old string[]
---@return vivek.Draft
function M.new(old)
  local costs, times = { 0 }, {}
  for count, line in ipairs(old) do
    costs[count + 1] = LEAVE + LEAVE_MORE * count
    times[line] = (times[line] or 0) + 1
  end
  return {
    old = old,
    bare = vim.tbl_map(vim.trim, old),
    new = {},
    blanks = {},
    times = times,
    costs = costs,
  }
end

---@param draft vivek.Draft
---@param line string
---@return number
local function weight(draft, line)
  local letters = select(2, line:gsub('[%w_\128-\255]', ''))
  if letters * LETTER < HEAVIEST then
    return math.max(LIGHTEST, letters * LETTER)
  end
  return draft.times[line] == 1 and HEAVIEST * UNIQUE or HEAVIEST
end

---@param one string
---@param other string
---@return boolean
local function alike(one, other)
  local prefix, suffix = text.common_ends(one, other)
  return prefix + suffix >= LIKE * math.max(#one, #other)
end

--- Reckon with one more line: what it costs to have come to each of the old lines with it.
---@param draft vivek.Draft
---@param line string
local function reckon(draft, line)
  local old, bares, costs = draft.old, draft.bare, draft.costs
  local bare = vim.trim(line)
  local heavy = weight(draft, line)
  local least = math.huge
  for count = 0, #old do
    least = math.min(least, costs[count + 1])
  end
  local result, leaving = { costs[1] + heavy }, math.huge
  for count = 1, #old do
    local before = costs[count]
    local cost = costs[count + 1] + heavy
    if old[count] == line then
      cost = math.min(cost, before)
    elseif before + heavy < cost then
      -- To compare them takes time, and tells something only near the place that the model has come to.
      local like = before < least + HEAVIEST and alike(bares[count], bare)
      cost = math.min(cost, before + heavy + (like and 0 or UNLIKE))
    end
    leaving = math.min(leaving, result[count] + LEAVE) + LEAVE_MORE
    result[count + 1] = math.min(cost, leaving)
  end
  draft.costs = result
end

--- Take in the next line.
---@param draft vivek.Draft
---@param line string
function M.add(draft, line)
  if not line:find('%S') then
    if #draft.new > 0 then
      table.insert(draft.blanks, line)
    end
    return
  end
  for _, blank in ipairs(draft.blanks) do
    reckon(draft, blank)
    table.insert(draft.new, blank)
  end
  draft.blanks = {}
  reckon(draft, line)
  table.insert(draft.new, line)
end

--- How many of the old lines the model has dealt with.
---@param draft vivek.Draft
---@return integer
function M.reached(draft)
  local reached, least = 0, math.huge
  for count = 0, #draft.old do
    if draft.costs[count + 1] <= least then
      reached, least = count, draft.costs[count + 1]
    end
  end
  return reached
end

---@param draft vivek.Draft
---@param closed boolean
---@return vivek.DraftChange[]
local function changes_of(draft, closed)
  local changes = {}
  if #draft.new == 0 then
    return changes
  elseif table.concat(draft.bare) == '' then
    -- Between blank lines there is nothing to keep.
    return { { start = 0, count = #draft.old, new = draft.new, written = closed } }
  end
  local reached = closed and #draft.old or M.reached(draft)
  for _, region in ipairs(text.diff(vim.list_slice(draft.old, 1, reached), draft.new)) do
    changes[#changes + 1] = {
      start = region.start,
      count = region.count,
      new = vim.list_slice(draft.new, region.to + 1, region.to + region.added),
      written = closed or region.to + region.added < #draft.new,
    }
  end
  return changes
end

--- What is different so far.
---@param draft vivek.Draft
---@param closed boolean whether all is written: what is missing is then deleted
---@return vivek.DraftChange[]
function M.changes(draft, closed)
  local known = draft.known
  if not known or known.count ~= #draft.new or known.closed ~= closed then
    known = { count = #draft.new, closed = closed, changes = changes_of(draft, closed) }
    draft.known = known
  end
  return known.changes
end

return M
