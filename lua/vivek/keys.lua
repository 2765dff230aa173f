--- The default keys: there only while hunks are shown, in their buffers alone, and never in place of a map of
--- the user's.
---
--- It bridges the setting `keys` and buffer-local maps to the <Plug> maps. Where the user has mapped a <Plug>
--- map, that is the key, and no default is set for it.

local config = require('vivek.config')

local M = {}

---@alias vivek.KeyName 'apply'|'apply_all'|'reject'|'reject_all'|'next'|'prev'

---@type table<vivek.KeyName, { plug: string, command: string, text: string }>
local ACTIONS = {
  apply = { plug = '<Plug>(VivekApply)', command = ':VivekApply', text = 'Apply the hunk' },
  apply_all = { plug = '<Plug>(VivekApplyAll)', command = ':VivekApply!', text = 'Apply all hunks' },
  reject = { plug = '<Plug>(VivekReject)', command = ':VivekReject', text = 'Reject the hunk' },
  reject_all = { plug = '<Plug>(VivekRejectAll)', command = ':VivekReject!', text = 'Reject all hunks' },
  next = { plug = '<Plug>(VivekNext)', command = ':VivekNext', text = 'Go to the next hunk' },
  prev = { plug = '<Plug>(VivekPrev)', command = ':VivekPrev', text = 'Go to the previous hunk' },
}

---@type table<integer, table<vivek.KeyName, string>> by buffer, the keys that are set
local attached = {}

---@param buf integer
---@return table<string, any>[] maps the buffer's own, then the global ones
local function maps_of(buf)
  return vim.list_extend(vim.api.nvim_buf_get_keymap(buf, 'n'), vim.api.nvim_get_keymap('n'))
end

--- Keys as Neovim compares them, <LocalLeader> and key codes resolved.
---@param lhs string
---@return string
local function raw(lhs)
  local leaders = { localleader = vim.g.maplocalleader or '\\', leader = vim.g.mapleader or '\\' }
  return vim.keycode((lhs:gsub('<([%a]+)>', function(name)
    return leaders[name:lower()]
  end)))
end

---@param map table<string, any>
---@return boolean
local function is_ours(map)
  return map.desc ~= nil and vim.startswith(map.desc, 'Vivek: ')
end

--- Whether a map of the user's stands in the way: the same keys, or one a beginning of the other. A shorter
--- one that does nothing only says that its key is a leader.
---@param map table<string, any>
---@param keys string
---@return boolean
local function conflicts(map, keys)
  local theirs = map.lhsraw
  if is_ours(map) then
    return false
  elseif #theirs < #keys and map.rhs == '' and not map.callback then
    return false
  end
  return vim.startswith(theirs, keys) or vim.startswith(keys, theirs)
end

---@param maps table<string, any>[]
---@param plug string
---@return string? lhs the user's own key for an action
local function own_key(maps, plug)
  for _, map in ipairs(maps) do
    if map.rhs == plug and not is_ours(map) then
      return map.lhs
    end
  end
end

---@param maps table<string, any>[]
---@param lhs string|false|nil
---@return boolean
local function is_free(maps, lhs)
  if not lhs or lhs == '' then
    return false
  end
  local keys = raw(lhs)
  return not vim.iter(maps):any(function(map)
    return conflicts(map, keys)
  end)
end

--- Set the default keys of a buffer.
---@param buf integer
function M.attach(buf)
  local set, maps, wanted = attached[buf] or {}, maps_of(buf), config.get().keys or {}
  for name, action in pairs(ACTIONS) do
    local lhs = wanted[name]
    if not set[name] and not own_key(maps, action.plug) and is_free(maps, lhs) then
      vim.keymap.set('n', lhs, action.plug, { buffer = buf, remap = true, desc = 'Vivek: ' .. action.text })
      set[name] = lhs
    end
  end
  attached[buf] = set
end

--- Take the default keys away, but none that the user has mapped meanwhile.
---@param buf integer
function M.detach(buf)
  local set = attached[buf] or {}
  attached[buf] = nil
  if not vim.api.nvim_buf_is_valid(buf) then
    return
  end
  local ours = {}
  for _, map in ipairs(vim.api.nvim_buf_get_keymap(buf, 'n')) do
    ours[map.lhsraw] = is_ours(map)
  end
  for _, lhs in pairs(set) do
    if ours[raw(lhs)] then
      vim.keymap.del('n', lhs, { buffer = buf })
    end
  end
end

---@param lhs string
---@return string as the user would type it
local function shown(lhs)
  return (vim.fn.keytrans(raw(lhs)):gsub('<lt>', '<'))
end

--- What the user presses, or where no key is set, the command.
---@param buf integer
---@param name vivek.KeyName
---@return string
function M.label(buf, name)
  local action, maps = ACTIONS[name], maps_of(buf)
  local own = own_key(maps, action.plug)
  if own then
    return own
  end
  local lhs = (config.get().keys or {})[name]
  if attached[buf] and attached[buf][name] then
    return shown(attached[buf][name])
  end
  return lhs and is_free(maps, lhs) and shown(lhs) or action.command
end

return M
