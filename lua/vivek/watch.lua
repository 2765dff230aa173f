--- Tells when a buffer's text, its cursor or its windows change.
---
--- It bridges Neovim's buffer events and autocmds to a few callbacks that need not care which of them fired.
--- What it doesn't do: look at the text.

local M = {}

---@class vivek.Watcher what is called, and when; what is left out is not wanted
---@field text? fun() the text changed, or was loaded again: also many times in one tick
---@field cursor? fun()
---@field layout? fun() windows were resized, or the buffer came into one
---@field top? fun(win: integer) a window of the buffer was scrolled up
---@field scrolled? fun() a window of the buffer was scrolled, or has another size
---@field written? fun() all of the text was written to the buffer's file
---@field reloaded? fun() the buffer was loaded, or loaded again
---@field gone? fun() the buffer is wiped out

---@param watcher vivek.Watcher
---@param name string
---@param ... any
local function tell(watcher, name, ...)
  if watcher[name] then
    watcher[name](...)
  end
end

---@param buf integer
---@param watcher vivek.Watcher
---@param state { attached: boolean, over: boolean }
local function attach(buf, watcher, state)
  if state.attached or not vim.api.nvim_buf_is_loaded(buf) then
    return
  end
  state.attached = vim.api.nvim_buf_attach(buf, false, {
    on_lines = function()
      if state.over then
        return true
      end
      tell(watcher, 'text')
    end,
    on_reload = function()
      if not state.over then
        tell(watcher, 'text')
      end
    end,
    on_detach = function()
      state.attached = false
    end,
  })
end

--- Tell whose windows were scrolled.
---@param buf integer
---@param watcher vivek.Watcher
local function tell_scrolled(buf, watcher)
  for name, change in pairs(vim.v.event) do
    local win = tonumber(name)
    if win and vim.api.nvim_win_get_buf(win) == buf then
      tell(watcher, 'scrolled')
      if change.topline < 0 then
        tell(watcher, 'top', win)
      end
    end
  end
end

local watchers = 0

--- Watch a buffer; several may do so.
---@param buf integer
---@param watcher vivek.Watcher
---@return fun() stop
function M.buffer(buf, watcher)
  local state = { attached = false, over = false }
  watchers = watchers + 1
  local group = vim.api.nvim_create_augroup(('vivek_watch_%d'):format(watchers), { clear = true })
  local function on(events, callback, everywhere)
    local pattern = not everywhere and buf or nil
    vim.api.nvim_create_autocmd(events, { group = group, buffer = pattern, callback = callback })
  end
  on({ 'CursorMoved', 'CursorMovedI' }, function()
    tell(watcher, 'cursor')
  end)
  -- Of a file that is not there, Neovim reads nothing: BufNewFile is its BufReadPost.
  on({ 'BufWinEnter', 'BufReadPost', 'BufNewFile' }, function(event)
    attach(buf, watcher, state)
    if event.event ~= 'BufWinEnter' then
      tell(watcher, 'reloaded')
    end
    tell(watcher, 'layout')
  end)
  on('BufWritePost', function()
    -- `:write other` ends here, too; the text is then not in the buffer's own file.
    if not vim.bo[buf].modified then
      tell(watcher, 'written')
    end
  end)
  on('BufWipeout', function()
    tell(watcher, 'gone')
  end)
  on({ 'WinResized', 'ColorScheme' }, function()
    tell(watcher, 'layout')
  end, true)
  on('WinScrolled', function()
    tell_scrolled(buf, watcher)
  end, true)
  attach(buf, watcher, state)
  return function()
    state.over = true
    vim.api.nvim_del_augroup_by_id(group)
  end
end

return M
