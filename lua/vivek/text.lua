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

---@param line string
---@return string[]
local function words(line)
  local found, position = {}, 1
  while position <= #line do
    local last = select(2, line:find('^[%w_\128-\255]+', position))
      or select(2, line:find('^%s+', position))
      or position
    found[#found + 1] = line:sub(position, last)
    position = last + 1
  end
  return found
end

---@param parts string[]
---@param first integer 1-based
---@param count integer
---@param offsets integer[]
---@return vivek.Span?
local function span(parts, first, count, offsets)
  if count == 0 then
    return nil
  end
  local last = first + count - 1
  return { first = offsets[first], last = offsets[last] + #parts[last] }
end

---@param parts string[]
---@return integer[]
local function offsets_of(parts)
  local offsets, offset = {}, 0
  for index, part in ipairs(parts) do
    offsets[index] = offset
    offset = offset + #part
  end
  return offsets
end

--- The words that differ between two lines. Nothing where the lines have so little in common that marking all
--- would only be noise.
---@param old string
---@param new string
---@return vivek.Span[] removed spans of `old`
---@return vivek.Span[] added spans of `new`
function M.changed_words(old, new)
  local old_words, new_words = words(old), words(new)
  local regions = M.diff(old_words, new_words)
  local old_offsets, new_offsets = offsets_of(old_words), offsets_of(new_words)
  local removed, added, changed = {}, {}, 0
  for _, region in ipairs(regions) do
    removed[#removed + 1] = span(old_words, region.start + 1, region.count, old_offsets)
    added[#added + 1] = span(new_words, region.to + 1, region.added, new_offsets)
  end
  for _, one in ipairs(removed) do
    changed = changed + one.last - one.first
  end
  for _, one in ipairs(added) do
    changed = changed + one.last - one.first
  end
  if changed > 0.7 * (#old + #new) then
    return {}, {}
  end
  return removed, added
end

---@class vivek.Region `count` items from `start` on (0-based) became `added` items from `to` on
---@field start integer
---@field count integer
---@field to integer
---@field added integer

--- What turns one list of lines into another.
---@param old string[]
---@param new string[]
---@param options table? further options of vim.diff
---@return vivek.Region[]
function M.diff(old, new, options)
  local regions = {}
  options = vim.tbl_extend('force', { result_type = 'indices', algorithm = 'histogram' }, options or {})
  local before, after = M.join(old), M.join(new)
  if before == after then
    return regions
  end
  ---@diagnostic disable-next-line: param-type-mismatch
  for index, region in ipairs(vim.diff(before, after, options)) do
    local start, count, to, added = unpack(region)
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
