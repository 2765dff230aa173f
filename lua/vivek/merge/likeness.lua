--- Which lines are versions of each other.
---
--- It bridges two lists of different lines and the pairs of old and new lines in them. It goes by whole
--- words. (Neovim's linematch goes by single bytes: to it `o21(o22, o23)` is rather `m1(o26, o27)` than
--- nothing. It also takes a second for 30 lines of 800 bytes.)

local text = require('vivek.text')

local M = {}

---@class vivek.Bag the words of a line, without their order
---@field counts table<string, integer>
---@field spoken table<string, boolean> those that are more than blanks and single characters
---@field bytes integer

-- So many words are looked up in other lines in about 20 ms.
local MOST_WORDS = 1e6

---@param line string
---@return vivek.Bag
---@return integer words different ones
local function bag_of(line)
  local bag, different = { counts = {}, spoken = {}, bytes = #line }, 0
  for _, word in ipairs((text.words(line))) do
    local count = bag.counts[word]
    if not count then
      different = different + 1
      bag.spoken[word] = word:find('[%w_\128-\255]') and true or nil
    end
    bag.counts[word] = (count or 0) + 1
  end
  return bag, different
end

---@param lines string[]
---@return vivek.Bag[]
---@return integer words
local function bags_of(lines)
  local bags, words = {}, 0
  for index, line in ipairs(lines) do
    local different
    bags[index], different = bag_of(line)
    words = words + different
  end
  return bags, words
end

--- How much two lines have in common: bytes of words; 0 where it is too little, or nothing but punctuation.
---@param old vivek.Bag
---@param new vivek.Bag
---@return integer
local function in_common(old, new)
  local common, said = 0, next(old.spoken) == nil
  for word, count in pairs(old.counts) do
    local others = new.counts[word]
    if others then
      common = common + math.min(count, others) * #word
      said = said or old.spoken[word] == true
    end
  end
  return said and common >= 0.15 * (old.bytes + new.bytes) and common or 0
end

--- The best sums of likeness of the lines from each pair of lines on.
---@param old vivek.Bag[]
---@param new vivek.Bag[]
---@return integer[][] best
---@return integer[][] common
local function weighed(old, new)
  local best, common = { [#old + 1] = {} }, {}
  for column = 1, #new + 1 do
    best[#old + 1][column] = 0
  end
  for row = #old, 1, -1 do
    best[row], common[row] = { [#new + 1] = 0 }, {}
    for column = #new, 1, -1 do
      local shared = in_common(old[row], new[column])
      local skipped = math.max(best[row + 1][column], best[row][column + 1])
      common[row][column] = shared
      best[row][column] = math.max(skipped, shared > 0 and shared + best[row + 1][column + 1] or 0)
    end
  end
  return best, common
end

--- Lines that are versions of each other, in order. Too many lines are not compared at all.
---@param old string[]
---@param new string[]
---@return { [1]: integer, [2]: integer }[] numbers of the old and of the new line
function M.pairs(old, new)
  local old_bags, words = bags_of(old)
  if words * #new > MOST_WORDS then
    return {}
  end
  local best, common = weighed(old_bags, (bags_of(new)))
  local matches, row, column = {}, 1, 1
  while row <= #old and column <= #new do
    local shared = common[row][column]
    if shared > 0 and best[row][column] == shared + best[row + 1][column + 1] then
      if text.alike(old[row], new[column]) then
        matches[#matches + 1] = { row, column }
      end
      row, column = row + 1, column + 1
    elseif best[row][column] == best[row + 1][column] then
      row = row + 1
    else
      column = column + 1
    end
  end
  return matches
end

return M
