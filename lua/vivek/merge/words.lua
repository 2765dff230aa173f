--- Merges two changes of one line, word by word.
---
--- It bridges a line that both sides changed and the one line that holds both changes. Where that line would
--- not be what both meant, it gives nothing. It knows no language: it looks at words, brackets and quotes
--- alone.

local text = require('vivek.text')
local weave = require('vivek.merge.weave')

local M = {}

---@param words string[]
---@param new string[]
---@return vivek.Side
local function side_of(words, new)
  local side = { edits = {}, touched = {}, inserted = {} }
  for index, region in ipairs(text.diff(words, new)) do
    local first, last = region.start, region.start + region.count
    side.edits[index] = weave.edit(first, last, vim.list_slice(new, region.to + 1, region.to + region.added))
    side.inserted[first] = region.count == 0
    for word = first, last - 1 do
      side.touched[word] = true
    end
  end
  return side
end

--- A comment at the end of a line, in the languages that have no mark at the end of a statement.
---@param inserted string
---@return boolean
local function is_comment(inserted)
  return inserted:find('^%s+#%s') ~= nil or inserted:find('^%s+%-%-%s') ~= nil
end

--- What two insertions at the end of a line become together: a comment goes last.
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function with_comment(mine, theirs)
  local first, second = table.concat(mine), table.concat(theirs)
  if is_comment(first) then
    first, second, mine, theirs = second, first, theirs, mine
  end
  if is_comment(second) and not first:find('#', 1, true) and not first:find('--', 1, true) then
    return vim.list_extend(vim.list_slice(mine), theirs)
  end
end

---@param group vivek.Group
---@param count integer number of the base's words
---@return string[]?
local function resolved(group, count)
  local mine, theirs = group.mine[1], group.theirs[1]
  if group.unclear or #group.mine > 1 or #group.theirs > 1 then
    return nil
  elseif not mine or not theirs then
    return (mine or theirs).items
  elseif mine.first ~= theirs.first or mine.last ~= theirs.last then
    return nil
  elseif table.concat(mine.items) == table.concat(theirs.items) then
    return mine.items
  elseif mine.first == count then
    return with_comment(mine.items, theirs.items)
  end
end

---@param base string[]
---@param mine string[]
---@param theirs string[]
---@return string[]?
local function merged_words(base, mine, theirs)
  local my_side, their_side = side_of(base, mine), side_of(base, theirs)
  weave.doubt(my_side, base, their_side)
  weave.doubt(their_side, base, my_side)
  local merged, copied = {}, 0
  for _, group in ipairs(weave.groups(my_side.edits, their_side.edits)) do
    local words = resolved(group, #base)
    if not words then
      return nil
    end
    vim.list_extend(merged, base, copied + 1, group.from)
    vim.list_extend(merged, words)
    copied = group.to
  end
  return vim.list_extend(merged, base, copied + 1)
end

--- The end of a quoted string.
---@param line string
---@param position integer of the opening quote, 1-based
---@return integer? position of the closing one
local function closing(line, position)
  local quote = line:sub(position, position)
  while true do
    position = line:find('[\\' .. quote .. ']', position + 1)
    if not position or line:sub(position, position) == quote then
      return position
    end
    position = position + 1
  end
end

local OPENING = { [')'] = '(', [']'] = '[', ['}'] = '{' }

--- What a line leaves open: closing brackets that nothing opened, opening ones that nothing closed, a quote.
---@param line string
---@return string
local function open_ends(line)
  local closed, opened, quote, position = {}, {}, '', 0
  while true do
    position = line:find('["\'`()%[%]{}]', position + 1)
    if not position then
      return table.concat(closed) .. ' ' .. table.concat(opened) .. ' ' .. quote
    end
    local character = line:sub(position, position)
    if character:find('["\'`]') then
      local last = closing(line, position)
      quote = last and quote or character
      position = last or #line
    elseif not OPENING[character] then
      opened[#opened + 1] = character
    elseif opened[#opened] == OPENING[character] then
      opened[#opened] = nil
    else
      closed[#closed + 1] = character
    end
  end
end

--- The value that one of both sides changed, or both in the same way.
---@generic T
---@param old T
---@param mine T
---@param theirs T
---@return T?
function M.either(old, mine, theirs)
  if mine == old then
    return theirs
  elseif theirs == old or mine == theirs then
    return mine
  end
end

--- What stands between commas: the arguments of a call, say, and how often each is there.
---@param line string
---@return table<string, integer>
---@return integer total
local function elements(line)
  local counts, total = {}, 0
  for before, part, after in line:gmatch('()([^,()%[%]{}]+)()') do
    local previous, following = line:sub(before - 1, before - 1), line:sub(after, after)
    local element = vim.trim(part)
    if (previous == ',' or following == ',') and not following:find('[%(%[{]') and element ~= '' then
      counts[element], total = (counts[element] or 0) + 1, total + 1
    end
  end
  return counts, total
end

--- Whether an argument that both sides added is there twice.
---@param old string
---@param mine string
---@param theirs string
---@param merged string
---@return boolean
local function doubled(old, mine, theirs, merged)
  local my_counts, my_total = elements(mine)
  local their_counts, their_total = elements(theirs)
  local before = elements(old)
  local counts, total = elements(merged)
  for element, count in pairs(counts) do
    local my_count, their_count = my_counts[element], their_counts[element]
    if my_count and their_count and not before[element] and count > math.max(my_count, their_count) then
      return total > math.max(my_total, their_total)
    end
  end
  return false
end

--- One line with both sides' changes of it; nil where they do not go together.
---@param old string
---@param mine string
---@param theirs string
---@return string?
function M.merged(old, mine, theirs)
  local words = merged_words(text.words(old), text.words(mine), text.words(theirs))
  local line = words and table.concat(words)
  if
    not line
    -- Two words of different sides, side by side, would make a third.
    or not weave.same(text.words(line), words)
    or open_ends(line) ~= M.either(open_ends(old), open_ends(mine), open_ends(theirs))
    or doubled(old, mine, theirs, line)
  then
    return nil
  end
  return line
end

return M
