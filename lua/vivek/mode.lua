--- The mode that asks are worked on in, as long as this Neovim runs.
---
--- It bridges the setting, `:VivekMode` and a statusline. What it doesn't do: know what a mode means for the
--- work.

local config = require('vivek.config')
local message = require('vivek.message')

local M = {}

---@alias vivek.Mode 'auto'|'coder'|'architect'|'peer'|'sdet'

---@type vivek.Mode?
local chosen

--- The names of the modes.
---@return vivek.Mode[]
function M.names()
  return config.MODES
end

--- The mode in force.
---@return vivek.Mode
function M.get()
  return chosen or config.get().mode
end

--- Whether there is such a mode; if not, the user is told.
---@param name string
---@return boolean
function M.check(name)
  local known = vim.list_contains(M.names(), name)
  if not known then
    message.error(
      ('There is no mode "%s".'):format(name),
      'There are ' .. table.concat(M.names(), ', ') .. '.'
    )
  end
  return known
end

--- Take a mode from now on, or tell which one is in force.
---@param name? string
function M.choose(name)
  if not name or name == '' then
    return message.info(('Mode: %s.'):format(M.get()))
  end
  if M.check(name) then
    chosen = name --[[@as vivek.Mode]]
    vim.cmd.redrawstatus({ bang = true })
    message.info(('Mode: %s.'):format(name))
  end
end

--- The mode as an instruction would name it; '' where the words of an instruction choose.
---@return string
function M.label()
  return M.get() == 'auto' and '' or '@' .. M.get()
end

return M
