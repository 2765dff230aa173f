--- The code in a reply that is still being written.
---
--- It bridges pieces of raw text, cut anywhere, and whole lines of code: those in the reply's first fence. It
--- touches no buffer. What it doesn't do: take the pains of the Python side, which sees the whole reply, with
--- several blocks or code without a fence.

local M = {}

---@class vivek.Partial
---@field lines string[] of code, whole ones
---@field rest string[] what has come of the line that is being written
---@field thinking boolean
---@field marks string? the fence that is open, as it was written
---@field lead integer columns before it
---@field level integer fences that are open within the code
---@field closed boolean

-- A fence within the code may be indented so much more than the one around it (as in CommonMark).
local DEEPER = 3

---@return vivek.Partial
function M.new()
  return { lines = {}, rest = {}, thinking = false, lead = 0, level = 0, closed = false }
end

---@param line string
---@return string? marks nil where the line is no fence
---@return integer lead
---@return string info
local function fence(line)
  local lead, marks, info = line:match('^([ \t]*)(```+)[ \t]*([^`]*)$')
  if not lead then
    lead, marks, info = line:match('^([ \t]*)(~~~+)[ \t]*([^`]*)$')
  end
  return marks, lead and #lead or 0, vim.trim(info or '')
end

--- The fence that a line opens; some models open it behind their words.
---@param line string
---@return string? marks
---@return integer lead
local function opening(line)
  local marks, lead = fence(line)
  return marks or line:match('^[^`]*[:.%s](```+)[%a+#]+[ \t]*$'), lead
end

---@param partial vivek.Partial
---@param line string
---@return boolean closes the code's fence or one within it
---@return boolean opens
local function nesting(partial, line)
  local marks, lead, info = fence(line)
  if not marks or not vim.startswith(marks, partial.marks) or lead > partial.lead + DEEPER then
    return false, false
  end
  return info == '', info ~= ''
end

--- Look for the fence in a line of prose, or of thoughts.
---@param partial vivek.Partial
---@param line string
local function seek(partial, line)
  if partial.thinking then
    local last = select(2, line:find('</think>', 1, true))
    if not last then
      return
    end
    partial.thinking, line = false, line:sub(last + 1)
  end
  local thoughts = line:match('^[ \t]*<think>(.*)')
  if thoughts then
    partial.thinking = true
    return seek(partial, thoughts)
  end
  partial.marks, partial.lead = opening(line)
end

---@param partial vivek.Partial
---@param line string
local function take(partial, line)
  line = line:gsub('\r$', '')
  if partial.closed then
    return
  elseif not partial.marks then
    return seek(partial, line)
  end
  local closes, opens = nesting(partial, line)
  if closes and partial.level == 0 then
    partial.closed = true
    return
  end
  partial.level = partial.level + (opens and 1 or closes and -1 or 0)
  partial.lines[#partial.lines + 1] = line
end

--- Take in what has come.
---@param partial vivek.Partial
---@param piece string
function M.feed(partial, piece)
  local from = 1
  for line, after in piece:gmatch('([^\n]*)\n()') do
    table.insert(partial.rest, line)
    take(partial, table.concat(partial.rest))
    partial.rest, from = {}, after --[[@as integer]]
  end
  if from <= #piece then
    table.insert(partial.rest, piece:sub(from))
  end
end

--- No more will come: what was written last is a whole line, but for half a fence.
---@param partial vivek.Partial
function M.finish(partial)
  local line = table.concat(partial.rest)
  partial.rest = {}
  if partial.marks and #line > #partial.marks and vim.endswith(line, partial.marks) then
    take(partial, line:sub(1, -#partial.marks - 1))
    partial.closed = true
  elseif not line:find('^%s*[`~]?[`~]?%s*$') then
    take(partial, line)
  end
end

--- Whether the code is complete. Models seldom end the line of the closing fence.
---@param partial vivek.Partial
---@return boolean
function M.is_closed(partial)
  if partial.closed or not partial.marks or partial.level > 0 then
    return partial.closed
  end
  return (nesting(partial, table.concat(partial.rest)))
end

return M
