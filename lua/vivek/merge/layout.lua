--- White space at the ends of lines: what was done to the indentation of some lines, and the same done to
--- others.
---
--- It bridges a block that one side indented, outdented or reformatted and the lines that the other side
--- wrote into it. It never looks between the words of a line, and it guesses nothing: what no single rule
--- explains has no rule.

local M = {}

---@class vivek.Rule how white space at one end of a line became another
---@field key string
---@field apply fun(space: string): string? nil where it does not fit
---@field everywhere boolean? it is done to all lines of a text, or to none

---@alias vivek.Rewritten { [1]: string, [2]: string } a line before and after

M.KEEP = {
  key = 'keep',
  apply = function(space)
    return space
  end,
}

--- The parts of a line. A blank line is all trail.
---@param line string
---@return string indent
---@return string body
---@return string trail
function M.split(line)
  local first = line:find('%S')
  if not first then
    return '', '', line
  end
  local last = #line
  while line:find('^%s', last) do
    last = last - 1
  end
  return line:sub(1, first - 1), line:sub(first, last), line:sub(last + 1)
end

---@param line string
---@return string
function M.body(line)
  return (select(2, M.split(line)))
end

---@param line string
---@return string
local function indent_of(line)
  return (M.split(line))
end

---@param line string
---@return string
local function trail_of(line)
  return (select(3, M.split(line)))
end

---@param prefix string
---@return vivek.Rule
local function adding(prefix)
  return {
    key = 'add ' .. prefix,
    apply = function(space)
      return prefix .. space
    end,
  }
end

---@param prefix string
---@return vivek.Rule
local function removing(prefix)
  return {
    key = 'remove ' .. prefix,
    apply = function(space)
      if vim.startswith(space, prefix) then
        return space:sub(#prefix + 1)
      end
    end,
  }
end

---@param unit string
---@param new string
---@return vivek.Rule
local function converting(unit, new)
  return {
    key = ('convert %s to %s'):format(unit, new),
    everywhere = true,
    apply = function(space)
      local count = 0
      while space:sub(count * #unit + 1, (count + 1) * #unit) == unit do
        count = count + 1
      end
      return new:rep(count) .. space:sub(count * #unit + 1)
    end,
  }
end

---@param first integer
---@param second integer
---@return integer
local function greatest_divisor(first, second)
  while second > 0 do
    first, second = second, first % second
  end
  return first
end

--- The rule by which a unit of indentation became another one: a tab four blanks, say.
---@param before string
---@param after string
---@return vivek.Rule?
local function conversion(before, after)
  local count = greatest_divisor(#before, #after)
  if before == '' or after == '' then
    return nil
  end
  local unit, new = before:sub(1, #before / count), after:sub(1, #after / count)
  if unit:rep(count) == before and new:rep(count) == after then
    return converting(unit, new)
  end
end

--- The rules that make one indentation of another.
---@param before string
---@param after string
---@return vivek.Rule[]
local function rules_between(before, after)
  local rules = {}
  if vim.endswith(after, before) then
    rules[1] = adding(after:sub(1, #after - #before))
  elseif vim.endswith(before, after) then
    rules[1] = removing(before:sub(1, #before - #after))
  end
  rules[#rules + 1] = conversion(before, after)
  return rules
end

---@param rule vivek.Rule
---@param pair vivek.Rewritten
---@return boolean
local function explains(rule, pair)
  return rule.apply(indent_of(pair[1])) == indent_of(pair[2])
end

---@param rule vivek.Rule
---@param pairs_ vivek.Rewritten[]
---@return integer
local function explained(rule, pairs_)
  local count = 0
  for _, pair in ipairs(pairs_) do
    count = count + (explains(rule, pair) and 1 or 0)
  end
  return count
end

-- A text in which more rules than these were at work was not reformatted, it was written anew.
local MOST_RULES = 8

--- The rules of indentation that explain what became of some lines, those that explain most of them first.
---@param pairs_ vivek.Rewritten[] none of them blank
---@return vivek.Rule[]
function M.rules(pairs_)
  local rules, order, seen = { M.KEEP }, { keep = 1 }, {}
  for _, pair in ipairs(pairs_) do
    local before, after = indent_of(pair[1]), indent_of(pair[2])
    local change = before .. '\n' .. after
    if before ~= after and not seen[change] and #rules < MOST_RULES then
      seen[change] = true
      for _, rule in ipairs(rules_between(before, after)) do
        if not order[rule.key] then
          rules[#rules + 1] = rule
          order[rule.key] = #rules
        end
      end
    end
  end
  local counts, possible = {}, {}
  for _, rule in ipairs(rules) do
    counts[rule.key] = #rules > 1 and explained(rule, pairs_) or 0
    if not rule.everywhere or counts[rule.key] == #pairs_ then
      possible[#possible + 1] = rule
    end
  end
  table.sort(possible, function(first, second)
    if counts[first.key] ~= counts[second.key] then
      return counts[first.key] > counts[second.key]
    end
    return order[first.key] < order[second.key]
  end)
  return possible
end

--- The first rule that explains what became of all of some lines.
---@param rules vivek.Rule[]
---@param pairs_ vivek.Rewritten[]
---@return vivek.Rule?
function M.fitting(rules, pairs_)
  for _, rule in ipairs(rules) do
    if explained(rule, pairs_) == #pairs_ then
      return rule
    end
  end
end

---@param key string
---@param pattern string
---@param replacement string
---@return vivek.Rule
local function replacing(key, pattern, replacement)
  return {
    key = key,
    apply = function(space)
      return (space:gsub(pattern, replacement))
    end,
  }
end

local TRAILS = {
  M.KEEP,
  replacing('no blanks', '[^\r]+', ''),
  replacing('no carriage return', '\r$', ''),
  replacing('carriage return', '$', '\r'),
  replacing('nothing', '.+', ''),
}

--- What was done to the ends of all of some lines.
---@param pairs_ vivek.Rewritten[]
---@return vivek.Rule?
function M.trail_rule(pairs_)
  for _, rule in ipairs(TRAILS) do
    local fits = true
    for _, pair in ipairs(pairs_) do
      fits = fits and rule.apply(trail_of(pair[1])) == trail_of(pair[2])
    end
    if fits then
      return rule
    end
  end
end

--- Lines with their white space by rules; nil where a line does not fit. Blank lines have no indentation.
---@param lines string[]
---@param rule vivek.Rule
---@param trail_rule vivek.Rule
---@return string[]?
function M.applied(lines, rule, trail_rule)
  local result = {}
  for index, line in ipairs(lines) do
    local indent, body, trail = M.split(line)
    local new = body == '' and '' or rule.apply(indent)
    if not new then
      return nil
    end
    result[index] = new .. body .. trail_rule.apply(trail)
  end
  return result
end

--- What was done to the white space of all lines of a text, where nothing else was done to it.
---@param old string[]
---@param new string[]
---@return vivek.Rule? rule
---@return vivek.Rule? trail_rule
function M.uniform(old, new)
  if #old ~= #new then
    return nil
  end
  local all, indented = {}, {}
  for index, line in ipairs(old) do
    if M.body(line) ~= M.body(new[index]) then
      return nil
    end
    all[index] = { line, new[index] }
    if line:find('%S') then
      indented[#indented + 1] = all[index]
    end
  end
  local rule, trail_rule = M.fitting(M.rules(indented), indented), M.trail_rule(all)
  if rule and trail_rule then
    return rule, trail_rule
  end
end

---@param lines string[]
---@return string? indent the shortest one; nil where all are blank
function M.outermost(lines)
  local shortest
  for _, line in ipairs(lines) do
    local indent = indent_of(line)
    if line:find('%S') and (not shortest or #indent < #shortest) then
      shortest = indent
    end
  end
  return shortest
end

--- Whether a text has been indented by a rule already: all of its lines that are old ones are, and it begins
--- as far to the right as the old text would. (Where it begins further to the left, new lines stand around
--- it.)
---@param rule vivek.Rule
---@param old string[]
---@param lines string[]
---@return boolean
function M.follows(rule, old, lines)
  local indents, moved, found = {}, {}, false
  for _, line in ipairs(old) do
    local indent, body = M.split(line)
    local new = rule.apply(indent) or indent
    indents[body] = indents[body] or {}
    indents[body][new] = true
    moved[body] = moved[body] or new ~= indent
  end
  for _, line in ipairs(lines) do
    local indent, body = M.split(line)
    if body ~= '' and indents[body] then
      if not indents[body][indent] then
        return false
      end
      found = found or moved[body]
    end
  end
  local before, after = M.outermost(old), M.outermost(lines)
  return found and before ~= nil and after == rule.apply(before)
end

return M
