--- The indentation of code that is still being written, made that of the lines it replaces: a guess, from
--- what the first two lines show.
---
--- It takes strings and returns strings. What it doesn't do: read the code. The Python side, which sees all
--- of it, is more careful with strings that span lines.

local M = {}

---@class vivek.Indent
---@field first string indentation of the old lines' first one
---@field rest string? what the others have in common, nil where there are none
---@field tabs boolean? whether the old lines have tabs, nil where they have no indentation
---@field width integer columns of a level in the old lines
---@field fresh boolean? whether there are no old lines: code that is indented stays as it is
---@field seen integer lines of code so far, blank ones left out
---@field opens boolean? whether the first of them opens a block
---@field from string indentation of the code that becomes `to`
---@field to string
---@field step integer? columns of a level in the code

local DEFAULT_WIDTH = 4
local OPENERS = { 'then', 'do', 'else', 'try', 'repeat' }

---@param line string
---@return string
local function indentation(line)
  return line:match('^[ \t]*')
end

---@param line string
---@return boolean
local function is_blank(line)
  return not line:find('%S')
end

---@param one string
---@param other string
---@return string
local function common_start(one, other)
  local size = 0
  while size < math.min(#one, #other) and one:byte(size + 1) == other:byte(size + 1) do
    size = size + 1
  end
  return one:sub(1, size)
end

---@param line string
---@return boolean
local function opens_a_block(line)
  local last = line:match('(%a+)%s*$')
  return line:find('[:{(%[]%s*$') ~= nil or line:find('=>%s*$') ~= nil or vim.list_contains(OPENERS, last)
end

--- What white space two lines have that follow each other, as far as it tells the columns of a level.
---@param deeper string
---@param than string
---@return integer? columns
local function step(deeper, than)
  local more = #deeper - #than
  return more > 0 and not deeper:find('\t') and more or nil
end

--- Learn how lines are indented.
---@param old string[]
---@return vivek.Indent
function M.new(old)
  local indent = { first = '', width = DEFAULT_WIDTH, seen = 0, from = '', to = '' }
  local filled, tabs, indented, least = 0, 0, 0, nil
  for _, line in ipairs(old) do
    local white = indentation(line)
    if not is_blank(line) then
      filled = filled + 1
      indent.first = filled == 1 and white or indent.first
      if filled > 1 then
        indent.rest = indent.rest and common_start(indent.rest, white) or white
        local columns = step(white, indent.first)
        least = columns and math.min(least or columns, columns) or least
      end
      indented = indented + (white ~= '' and 1 or 0)
      tabs = tabs + (white:find('^\t') and 1 or 0)
    end
  end
  indent.width = least or indent.width
  if indented > 0 then
    indent.tabs = 2 * tabs > indented
  end
  return indent
end

--- The same for new lines between two others: as far as these have any indentation in common.
---@param above string the nearest line that is not blank, '' for none
---@param below string
---@param level string what one level adds
---@return vivek.Indent
function M.between(above, below, level)
  local indent, own, inner = M.new({ above, below }), indentation(above), indentation(below)
  indent.fresh = true
  if above:find('[:{]%s*$') then
    indent.first = #inner > #own and inner or own .. level
  else
    indent.first = below == '' and '' or #own < #inner and own or inner
  end
  return indent
end

---@param indent vivek.Indent
---@param white string
---@return string with tabs or blanks, as the old lines have them
local function converted(indent, white)
  if indent.tabs and white:find(' ') then
    local columns = indent.step or DEFAULT_WIDTH
    local width = #white:gsub('\t', (' '):rep(columns))
    return ('\t'):rep(math.floor(width / columns)) .. (' '):rep(width % columns)
  elseif indent.tabs == false then
    return (white:gsub('\t', (' '):rep(indent.width)))
  end
  return white
end

--- Whether only the first line came without its indentation, as when a model begins right with the code: the
--- second one tells.
---@param indent vivek.Indent
---@param white string
---@return boolean
local function lost_the_first(indent, white)
  return converted(indent, indent.from) ~= indent.to
    and converted(indent, white) == indent.rest
    and (#indent.to < #indent.rest or not indent.opens)
end

---@param indent vivek.Indent
---@param line string
---@param white string
local function learn(indent, line, white)
  indent.seen = indent.seen + 1
  if indent.fresh then
    indent.to = indent.seen > 1 and indent.to or white == '' and indent.first or ''
  elseif indent.seen == 1 then
    indent.from, indent.to, indent.opens = white, indent.first, opens_a_block(line)
  elseif indent.seen == 2 and lost_the_first(indent, white) then
    indent.from, indent.to, indent.step = '', '', DEFAULT_WIDTH
  end
  indent.step = indent.step or step(white, indent.from)
end

--- A line of code at the indentation of the old ones. The lines must come in order.
---@param indent vivek.Indent
---@param line string
---@return string
function M.fitted(indent, line)
  if is_blank(line) then
    return line
  end
  local white = indentation(line)
  learn(indent, line, white)
  local code = line:sub(#white + 1)
  if vim.startswith(white, indent.from) then
    return indent.to .. converted(indent, white:sub(#indent.from + 1)) .. code
  end
  -- It lies left of the first line, and goes as far as its own white space allows.
  if vim.startswith(indent.to, indent.from) then
    return indent.to:sub(#indent.from + 1) .. line
  end
  local surplus = vim.startswith(indent.from, indent.to) and indent.from:sub(#indent.to + 1) or indent.from
  return line:sub(#common_start(surplus, line) + 1)
end

return M
