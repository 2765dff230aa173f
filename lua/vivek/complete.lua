--- Completion of the commands: modes, common instructions, those that were given before, and what can be
--- installed.
---
--- It reads Neovim's own command history and keeps none itself.

local M = {}

local COMMON = {
  'add a docstring',
  'add error handling',
  'add type hints',
  'explain this code',
  'find and fix the bug',
  'handle the edge cases',
  'make this faster',
  'rename the variables to say what they hold',
  'simplify this code',
  'split this into smaller functions',
  'write this function',
}
local MOST_REMEMBERED = 30

--- Instructions given with `:VivekAsk`, the latest first.
---@return string[]
local function history()
  local found, seen = {}, {}
  for number = vim.fn.histnr(':'), 1, -1 do
    local instruction = vim.fn.histget(':', number):match('VivekAsk%s+(.*%S)')
    if instruction and not seen[instruction] then
      seen[instruction] = true
      table.insert(found, instruction)
    end
    if #found == MOST_REMEMBERED then
      break
    end
  end
  return found
end

--- Remember an instruction that was not typed as a command, so that <Up> and completion find it.
---@param instruction string
function M.remember(instruction)
  vim.fn.histadd(':', 'VivekAsk ' .. instruction)
end

---@param lead string
---@return string[]
local function modes(lead)
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, require('vivek.mode').names())
end

--- Instructions that begin with a text, the user's own first; modes where it begins with an `@`.
---@param typed string
---@return string[]
function M.instructions(typed)
  local name = typed:match('^@(%w*)$')
  if name then
    return vim.tbl_map(function(mode)
      return '@' .. mode
    end, modes(name))
  end
  local address = typed:match('^@%w+%s+') or ''
  local own = history()
  local common = vim.tbl_map(function(instruction)
    return address .. instruction
  end, COMMON)
  local found = vim.list_extend(
    vim.list_slice(own),
    vim.tbl_filter(function(instruction)
      return not vim.list_contains(own, instruction)
    end, common)
  )
  return vim.tbl_filter(function(instruction)
    return vim.startswith(instruction, typed)
  end, found)
end

--- For `:VivekAsk`. Neovim replaces the last word only, so the words before it are left out of what is
--- offered.
---@param lead string the last word as far as it is typed
---@param line string the whole command
---@return string[]
function M.instruction(lead, line)
  local typed = line:match('VivekAsk%s+(.*)$') or ''
  return vim.tbl_map(function(instruction)
    return instruction:sub(#typed - #lead + 1)
  end, M.instructions(typed))
end

--- For the prompt of `vim.ui.input()`, where the whole text is replaced.
---@param lead string
---@param line string
---@return string[]
function M.input(lead, line)
  return vim.tbl_map(function(instruction)
    return instruction:sub(#line - #lead + 1)
  end, M.instructions(line))
end

--- For `:VivekMode`.
---@param lead string
---@return string[]
function M.mode(lead)
  return modes(lead)
end

--- For `:VivekInstall`.
---@param lead string
---@param line string
---@return string[]
function M.install(lead, line)
  local first = line:match('VivekInstall%s+%S*$')
  return (first and vim.startswith('model', lead)) and { 'model' } or {}
end

return M
