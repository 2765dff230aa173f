--- The settings that a schema and some given values make.
---
--- It bridges what a user writes and values that can be relied on: what is wrong with a value is told, and
--- the default stands in its place. It knows no option.

local M = {}

--- The settings where the user gives none.
---@param options vivek.Option[]
---@return table
function M.defaults(options)
  local values = {}
  for _, option in ipairs(options) do
    values[option.name] = option.fields and M.defaults(option.fields) or vim.deepcopy(option.default)
  end
  return values
end

--- Number of single-character changes that turn one word into the other; two neighbours swapped are one.
---@param a string
---@param b string
---@return integer
local function distance(a, b)
  local rows = { [0] = {} }
  for j = 0, #b do
    rows[0][j] = j
  end
  for i = 1, #a do
    local row, above = { [0] = i }, rows[i - 1]
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(above[j - 1] + (same and 0 or 1), above[j] + 1, row[j - 1] + 1)
      local is_swapped = a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      if i > 1 and j > 1 and is_swapped then
        row[j] = math.min(row[j], rows[i - 2][j - 2] + 1)
      end
    end
    rows[i] = row
  end
  return rows[#a][#b]
end

--- The nearest of some names, or all of them where none is near. Of two, the one as long as the word: letters
--- are swapped more often than lost.
---@param wrong string
---@param names string[]
---@return string hint
local function suggestion(wrong, names)
  local best, fewest
  for _, name in ipairs(names) do
    local changes = distance(wrong:lower(), name:lower())
    local is_as_long = best ~= nil and #name == #wrong and #best ~= #wrong
    if not fewest or changes < fewest or (changes == fewest and is_as_long) then
      best, fewest = name, changes
    end
  end
  if best and fewest <= math.max(2, math.floor(#best / 2)) then
    return ('Did you mean "%s"?'):format(best)
  end
  return 'There are: ' .. table.concat(names, ', ') .. '.'
end

---@param value any
---@param kind string
---@return boolean
local function is_a(value, kind)
  if kind == 'false' then
    return value == false
  elseif kind == 'string[]' then
    return vim.islist(value)
      and vim.iter(value):all(function(item)
        return type(item) == 'string'
      end)
  end
  return type(value) == kind
end

--- What is wrong with a value, nil where nothing is.
---@param option vivek.Option
---@param value any
---@return string?
local function fault(option, value)
  local fits = vim.iter(option.type):any(function(kind)
    return is_a(value, kind)
  end)
  if not fits then
    return ('must be %s, not %s.'):format(table.concat(option.type, ' or '), vim.inspect(value))
  elseif option.choices and not vim.list_contains(option.choices, value) then
    return ('cannot be "%s". %s'):format(value, suggestion(value, option.choices))
  elseif option.range and (value < option.range[1] or value > option.range[2]) then
    return ('must lie between %s and %s, not %s.'):format(option.range[1], option.range[2], value)
  end
end

local merge

--- The tables that some given tables make, whose names are the user's own.
---@param option vivek.Option
---@param given table
---@param prefix string
---@param faults string[]
---@return table<string, table>
local function merge_each(option, given, prefix, faults)
  local values = {}
  for name, fields in pairs(given) do
    local place = ('%s%s["%s"]'):format(prefix, option.name, name)
    if type(name) ~= 'string' or type(fields) ~= 'table' then
      table.insert(faults, ('"%s" must be a table under a name, not %s.'):format(place, vim.inspect(fields)))
    else
      values[name] = merge(option.each, fields, place .. '.', faults)
    end
  end
  return values
end

---@param values table
---@return string[] names sorted, as text
local function names_of(values)
  local names = vim.tbl_map(tostring, vim.tbl_keys(values))
  table.sort(names)
  return names
end

--- The settings that some given values make, each fault noted and its value left at the default.
---@param options vivek.Option[]
---@param given table
---@param prefix string
---@param faults string[]
---@return table
merge = function(options, given, prefix, faults)
  local values = M.defaults(options)
  local known = vim.tbl_map(function(option)
    return option.name
  end, options)
  for _, name in ipairs(names_of(given)) do
    if not vim.list_contains(known, name) then
      table.insert(faults, ('there is no option "%s%s". %s'):format(prefix, name, suggestion(name, known)))
    end
  end
  for _, option in ipairs(options) do
    local value = given[option.name]
    local wrong = value ~= nil and fault(option, value)
    if wrong then
      table.insert(faults, ('"%s%s" %s'):format(prefix, option.name, wrong))
    elseif type(value) == 'table' and option.each then
      values[option.name] = merge_each(option, value, prefix, faults)
    elseif type(value) == 'table' and option.fields then
      values[option.name] = merge(option.fields, value, prefix .. option.name .. '.', faults)
    elseif value ~= nil then
      values[option.name] = vim.deepcopy(value)
    end
  end
  return values
end

--- The settings that some given values make.
---@param options vivek.Option[]
---@param given table
---@param faults string[] what is wrong with them is added
---@return table
function M.merged(options, given, faults)
  return merge(options, given, '', faults)
end

return M
