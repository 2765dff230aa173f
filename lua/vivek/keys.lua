--- The default keys: there only while hunks are shown, in their buffers alone, and never in place of a map of
--- the user's.
---
--- It bridges the setting `keys` and buffer-local maps to the <Plug> maps. Where the user has mapped a <Plug>
--- map, that is the key, and no default is set for it.

local config = require('vivek.config')

local M = {}

---@alias vivek.KeyName 'apply'|'apply_all'|'reject'|'reject_all'|'next'|'prev'|'edit'|'diff'|'hunk'

---@class vivek.KeyAction
---@field plug string
---@field modes string[]
---@field command? string what does the same without a key
---@field text string

local NORMAL, CHOICE, MOTION, OBJECT = { 'n' }, { 'n', 'x' }, { 'n', 'x', 'o' }, { 'x', 'o' }

---@param plug string
---@param modes string[]
---@param command string?
---@param text string
---@return vivek.KeyAction
local function action(plug, modes, command, text)
  return { plug = '<Plug>(' .. plug .. ')', modes = modes, command = command, text = text }
end

---@type table<vivek.KeyName, vivek.KeyAction>
local ACTIONS = {
  apply = action('VivekApply', CHOICE, ':VivekApply', 'Apply the hunk'),
  apply_all = action('VivekApplyAll', CHOICE, ':VivekApply!', 'Apply all hunks'),
  reject = action('VivekReject', CHOICE, ':VivekReject', 'Reject the hunk'),
  reject_all = action('VivekRejectAll', CHOICE, ':VivekReject!', 'Reject all hunks'),
  next = action('VivekNext', MOTION, ':VivekNext', 'Go to the next hunk'),
  prev = action('VivekPrev', MOTION, ':VivekPrev', 'Go to the previous hunk'),
  edit = action('VivekEdit', NORMAL, ':VivekEdit', 'Edit the hunk before it is applied'),
  diff = action('VivekDiff', NORMAL, ':VivekDiff', 'Show the proposal beside the buffer'),
  hunk = action('VivekHunk', OBJECT, nil, 'The lines of the hunk'),
}

---@type table<integer, table<vivek.KeyName, table<string, string>>> by buffer, the keys that are set, by mode
local attached = {}

---@param buf integer
---@param mode string
---@return table<string, any>[] maps the buffer's own, then the global ones
local function maps_of(buf, mode)
  return vim.list_extend(vim.api.nvim_buf_get_keymap(buf, mode), vim.api.nvim_get_keymap(mode))
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
  local set, wanted, maps = attached[buf] or {}, config.get().keys or {}, {}
  for _, mode in ipairs(MOTION) do
    maps[mode] = maps_of(buf, mode)
  end
  for name, one in pairs(ACTIONS) do
    set[name] = set[name] or {}
    for _, mode in ipairs(one.modes) do
      local lhs = wanted[name]
      if not set[name][mode] and not own_key(maps[mode], one.plug) and is_free(maps[mode], lhs) then
        vim.keymap.set(mode, lhs, one.plug, { buffer = buf, remap = true, desc = 'Vivek: ' .. one.text })
        set[name][mode] = lhs
      end
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
  for _, mode in ipairs(MOTION) do
    for _, map in ipairs(vim.api.nvim_buf_get_keymap(buf, mode)) do
      ours[mode .. map.lhsraw] = is_ours(map)
    end
  end
  for _, modes in pairs(set) do
    for mode, lhs in pairs(modes) do
      if ours[mode .. raw(lhs)] then
        vim.keymap.del(mode, lhs, { buffer = buf })
      end
    end
  end
end

---@param lhs string
---@return string as the user would type it
local function shown(lhs)
  return (vim.fn.keytrans(raw(lhs)):gsub('<lt>', '<'))
end

--- What the user presses in Normal mode, or where no key is set, the command.
---@param buf integer
---@param name vivek.KeyName
---@return string
function M.label(buf, name)
  local one, maps = ACTIONS[name], maps_of(buf, 'n')
  local own = own_key(maps, one.plug)
  if own then
    return own
  end
  local lhs = (config.get().keys or {})[name]
  local set = ((attached[buf] or {})[name] or {}).n
  if set then
    return shown(set)
  end
  return lhs and is_free(maps, lhs) and shown(lhs) or one.command
end

return M
