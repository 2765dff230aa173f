--- Keys that `.` repeats, and the text object of a hunk.
---
--- It bridges the <Plug> maps and what can be done with hunks. An operator that moves nowhere is what Neovim
--- repeats; its count is the number of hunks. What it doesn't do: know keys.

local message = require('vivek.message')
local proposals = require('vivek.proposals')
local sources = require('vivek.sources')

local M = {}

---@type table<string, fun()>
local ACTIONS = {
  apply = function()
    proposals.apply(sources.current(), { count = vim.v.count1 })
  end,
  reject = function()
    proposals.reject(sources.current(), { count = vim.v.count1 })
  end,
  apply_all = function()
    proposals.apply(sources.current(), { all = true })
  end,
  reject_all = function()
    proposals.reject(sources.current(), { all = true })
  end,
}

for name, action in pairs(ACTIONS) do
  M[name] = function()
    action()
  end
end

--- The keys that run an action and make it the one that `.` repeats, for a map of kind <expr>.
---@param name 'apply'|'reject'|'apply_all'|'reject_all'
---@return string
function M.keys(name)
  vim.go.operatorfunc = ("v:lua.require'vivek.operator'.%s"):format(name)
  return 'g@l'
end

--- Select the lines of the hunk under the cursor: those that it replaces, or once it is applied those
--- that it brought.
function M.select()
  local row = vim.api.nvim_win_get_cursor(0)[1]
  for _, hunk in ipairs(proposals.hunks(0)) do
    if hunk.first and hunk.first <= row and row <= hunk.last then
      local keys = ('%dGV%dG'):format(hunk.first, hunk.last)
      if vim.api.nvim_get_mode().mode:find('^[vV\22]') then
        keys = vim.keycode('<Esc>') .. keys
      end
      vim.cmd.normal({ keys, bang = true })
      return
    end
  end
  message.info('no line of a hunk is under the cursor.')
end

return M
