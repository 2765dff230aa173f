--- The section of the help that tells of the options.
---
--- It bridges the schema and the lines of a Vim help file. It writes no file: `make doc` does.

local config = require('vivek.config')

local M = {}

local WIDTH = 78

---@param text string
---@param indent string
---@return string[]
local function wrapped(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch('%S+') do
    if #line + 1 + #word > WIDTH and line ~= indent then
      table.insert(lines, line)
      line = indent
    end
    line = line == indent and (indent .. word) or (line .. ' ' .. word)
  end
  table.insert(lines, line)
  return lines
end

---@param option vivek.Option
---@return string
local function described(option)
  local default = option.default_text or (option.default ~= nil and vim.inspect(option.default))
  local allowed = table.concat(option.type, ' or ')
  if option.choices then
    allowed = 'one of ' .. table.concat(vim.tbl_map(vim.inspect, option.choices), ', ')
  elseif option.range then
    allowed = ('%s from %s to %s'):format(allowed, option.range[1], option.range[2])
  end
  return allowed .. (default and ('; default: ' .. default) or '')
end

---@param options vivek.Option[]
---@param prefix string
---@param lines string[]
local function document(options, prefix, lines)
  for _, option in ipairs(options) do
    local name = prefix .. option.name
    local tag = ('*vivek-config-%s*'):format(name)
    table.insert(lines, name .. (' '):rep(math.max(WIDTH - #name - #tag, 1)) .. tag)
    vim.list_extend(lines, wrapped('(' .. described(option) .. ')', '    '))
    vim.list_extend(lines, wrapped(option.text, '    '))
    table.insert(lines, '')
    document(option.fields or {}, name .. '.', lines)
    document(option.each or {}, name .. '.NAME.', lines)
  end
end

--- The options as lines of a Vim help file.
---@return string[]
function M.lines()
  local lines = {}
  document(config.schema, '', lines)
  table.remove(lines)
  return lines
end

return M
