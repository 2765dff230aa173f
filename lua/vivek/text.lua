--- Text as bytes, characters and UTF-16 units: where a column lies, where a line may be cut, what changed
--- within it.
---
--- Everything here takes strings and returns numbers or tables. It reads no buffer, and it never fails on
--- bytes that are not UTF-8: such a byte counts as one character, as it does in Python's surrogate escapes.

local M = {}

---@alias vivek.Span { first: integer, last: integer } bytes of a line, 0-based, the end exclusive

local CONTINUATION_LOW, CONTINUATION_HIGH = 0x80, 0xBF

---@param line string
---@param from integer
---@param to integer
---@return boolean
local function continues(line, from, to)
  for position = from, to do
    local byte = line:byte(position)
    if not byte or byte < CONTINUATION_LOW or byte > CONTINUATION_HIGH then
      return false
    end
  end
  return true
end

--- What the second byte may be, where the first one restricts it: no overlong forms, no surrogates, nothing
--- above U+10FFFF.
local SECOND_BYTE =
  { [0xE0] = { 0xA0, 0xBF }, [0xED] = { 0x80, 0x9F }, [0xF0] = { 0x90, 0xBF }, [0xF4] = { 0x80, 0x8F } }

--- Length in bytes of the character that starts at a byte (1-based); an invalid byte is a character by
--- itself.
---@param line string
---@param position integer
---@return integer
function M.char_length(line, position)
  local lead = line:byte(position)
  local length = lead < 0xC2 and 1 or lead < 0xE0 and 2 or lead < 0xF0 and 3 or lead < 0xF5 and 4 or 1
  if length == 1 or not continues(line, position + 1, position + length - 1) then
    return 1
  end
  local limits, second = SECOND_BYTE[lead], line:byte(position + 1)
  if limits and (second < limits[1] or second > limits[2]) then
    return 1
  end
  return length
end

--- Byte offset (0-based) of a UTF-16 column; a column beyond the end, or inside a character, is moved to a
--- boundary.
---@param line string
---@param column integer
---@return integer
function M.byte_of_utf16(line, column)
  if not line:find('[\128-\255]') then
    return math.min(column, #line)
  end
  local position, units = 1, 0
  while position <= #line and units < column do
    local length = M.char_length(line, position)
    units = units + (length == 4 and 2 or 1)
    position = position + length
  end
  return position - 1
end

--- The longest prefix and suffix that two lines share, in bytes, cut at character boundaries of both and not
--- overlapping.
---@param old string
---@param new string
---@return integer prefix
---@return integer suffix
function M.common_ends(old, new)
  local limit = math.min(#old, #new)
  local prefix = 0
  while prefix < limit and old:byte(prefix + 1) == new:byte(prefix + 1) do
    prefix = prefix + 1
  end
  prefix = math.min(M.boundary_before(old, prefix), M.boundary_before(new, prefix))
  local suffix = 0
  while suffix < limit - prefix and old:byte(#old - suffix) == new:byte(#new - suffix) do
    suffix = suffix + 1
  end
  suffix = math.min(#old - M.boundary_after(old, #old - suffix), #new - M.boundary_after(new, #new - suffix))
  return prefix, suffix
end

--- The last character boundary at or before a byte offset.
---@param line string
---@param offset integer
---@return integer
function M.boundary_before(line, offset)
  if offset <= 0 or offset >= #line then
    return math.max(0, math.min(offset, #line))
  end
  return offset + vim.str_utf_start(line, offset + 1)
end

--- The first character boundary at or after a byte offset.
---@param line string
---@param offset integer
---@return integer
function M.boundary_after(line, offset)
  local before = M.boundary_before(line, offset)
  if before == offset then
    return offset
  end
  return math.min(#line, offset + vim.str_utf_end(line, offset + 1) + 1)
end

---@type table<string, boolean> by character
local combining = {}

--- Whether Neovim draws a character upon the one before it.
---@param character string
---@return boolean
local function combines(character)
  if combining[character] == nil then
    combining[character] = vim.fn.strchars('a' .. character, true) == 1
  end
  return combining[character]
end

--- The end of the combining characters that follow a byte.
---@param line string
---@param last integer 1-based
---@return integer
local function with_combining(line, last)
  while line:find('^[\128-\255]', last + 1) do
    local length = M.char_length(line, last + 1)
    if not combines(line:sub(last + 1, last + length)) then
      break
    end
    last = last + length
  end
  return last
end

--- The words of a line: runs of letters, runs of blanks, and single other characters. A combining character
--- stays with its base.
---@param line string
---@param from integer? byte, 0-based
---@param to integer? exclusive
---@return string[] words
---@return integer[] offsets where each begins, 0-based; one more for the end
function M.words(line, from, to)
  to = to or #line
  local found, offsets, position = {}, {}, (from or 0) + 1
  while position <= to do
    local last = select(2, line:find('^[%w_\128-\255]+', position))
      or with_combining(line, select(2, line:find('^%s+', position)) or position)
    last = math.min(last, to)
    found[#found + 1] = line:sub(position, last)
    offsets[#offsets + 1] = position - 1
    position = last + 1
  end
  offsets[#offsets + 1] = to
  return found, offsets
end

---@param line string
---@param position integer 1-based
---@return boolean
local function in_word(line, position)
  return line:find('^[%w_\128-\255]', position) ~= nil
end

--- What two lines share at their ends, in whole words: a word that only begins alike is another word.
---@param old string
---@param new string
---@return integer prefix
---@return integer suffix
local function common_words(old, new)
  local prefix, suffix = M.common_ends(old, new)
  while prefix > 0 and in_word(old, prefix) and (in_word(old, prefix + 1) or in_word(new, prefix + 1)) do
    prefix = prefix - 1
  end
  while
    suffix > 0
    and in_word(old, #old - suffix + 1)
    and (in_word(old, #old - suffix) or in_word(new, #new - suffix))
  do
    suffix = suffix - 1
  end
  return prefix, suffix
end

---@param offsets integer[]
---@param first integer 1-based
---@param count integer
---@param spans vivek.Span[]
---@return integer bytes
local function add_span(offsets, first, count, spans)
  if count == 0 then
    return 0
  end
  local span = { first = offsets[first], last = offsets[first + count] }
  spans[#spans + 1] = span
  return span.last - span.first
end

---@param old string
---@param new string
---@return vivek.Span[] removed spans of `old`
---@return vivek.Span[] added spans of `new`
---@return boolean alike whether enough is left to call them two versions of one line
local function compared(old, new)
  local prefix, suffix = common_words(old, new)
  local old_words, old_offsets = M.words(old, prefix, #old - suffix)
  local new_words, new_offsets = M.words(new, prefix, #new - suffix)
  local removed, added, changed = {}, {}, 0
  -- Most lines differ in one place, and then there is nothing to compare.
  local single = #old_words <= 1 and #new_words <= 1
  local whole = { { start = 0, count = #old_words, to = 0, added = #new_words } }
  for _, region in ipairs(single and whole or M.diff(old_words, new_words)) do
    changed = changed + add_span(old_offsets, region.start + 1, region.count, removed)
    changed = changed + add_span(new_offsets, region.to + 1, region.added, added)
  end
  return removed, added, changed <= 0.7 * (#old + #new)
end

--- Whether two lines have so much in common that one is a version of the other.
---@param old string
---@param new string
---@return boolean
function M.alike(old, new)
  return (select(3, compared(old, new)))
end

--- The words that differ between two lines. Nothing where the lines have so little in common that marking all
--- would only be noise.
---@param old string
---@param new string
---@return vivek.Span[] removed spans of `old`
---@return vivek.Span[] added spans of `new`
function M.changed_words(old, new)
  local removed, added, alike = compared(old, new)
  if not alike then
    return {}, {}
  end
  return removed, added
end

---@class vivek.Region `count` items from `start` on (0-based) became `added` items from `to` on
---@field start integer
---@field count integer
---@field to integer
---@field added integer

---@param before string
---@param after string
---@param options table
---@return vivek.Region[]
local function regions_of(before, after, options)
  local regions = {}
  for index, region in ipairs(vim.diff(before, after, options)) do
    local start, count, to, added = region[1], region[2], region[3], region[4]
    -- An empty side is told as the line before it.
    regions[index] = {
      start = count == 0 and start or start - 1,
      count = count,
      to = added == 0 and to or to - 1,
      added = added,
    }
  end
  return regions
end

-- Lines beyond the first number are not paired by likeness, for the time that it takes grows with the square
-- of their number, and with the square of their length, of which linematch looks at so many bytes.
local MOST_LINES, MOST_BYTES = 60, 800
-- So many pairs of bytes are compared in about 20 ms.
local MOST_PAIRS = 10e6

--- How many lines of a region may be paired by likeness.
---@param old string[]
---@param new string[]
---@return integer
local function matchable(old, new)
  local longest = 1
  for _, lines in ipairs({ old, new }) do
    for _, line in ipairs(lines) do
      longest = math.max(longest, #line)
    end
  end
  return math.min(MOST_LINES, math.floor(2 * math.sqrt(MOST_PAIRS) / math.min(longest, MOST_BYTES)))
end

--- What turns one list of lines into another.
---@param old string[]
---@param new string[]
---@param algorithm ('histogram'|'myers')? histogram where nil; myers is what git takes
---@return vivek.Region[]
function M.diff(old, new, algorithm)
  local before, after = M.join(old), M.join(new)
  local options = { result_type = 'indices', algorithm = algorithm or 'histogram' }
  return before == after and {} or regions_of(before, after, options)
end

--- The same, but lines that are most alike stand beside each other: the first `count` and `added` lines of a
--- region.
---@param old string[]
---@param new string[]
---@return vivek.Region[]
function M.aligned(old, new)
  local before, after = M.join(old), M.join(new)
  local options = { result_type = 'indices', algorithm = 'histogram', linematch = matchable(old, new) }
  return before == after and {} or regions_of(before, after, options)
end

--- Lines as one string, each with its newline.
---@param lines string[]
---@return string
function M.join(lines)
  return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
end

--- Lines as nvim_buf_get_lines gives them: Vim's functions write a NUL as a line feed inside a line.
---@param lines string[]
---@return string[]
function M.with_nuls(lines)
  return vim.tbl_map(function(line)
    return line:find('\n', 1, true) and line:gsub('\n', '\0') or line
  end, lines)
end

return M
