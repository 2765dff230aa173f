--- The one place that speaks to the user, and the place of the log.
---
--- What it doesn't do: decide what is worth saying, or draw in a buffer.

local M = {}

---@param text string
---@param level integer one of vim.log.levels
local function say(text, level)
  if vim.in_fast_event() then
    vim.schedule(function()
      say(text, level)
    end)
    return
  end
  vim.notify('Vivek: ' .. text, level, { title = 'Vivek' })
end

---@param text string
function M.info(text)
  say(text, vim.log.levels.INFO)
end

---@param text string
function M.warn(text)
  say(text, vim.log.levels.WARN)
end

--- What happened and, where there is something to do, what to do next.
---@param text string
---@param hint? string
function M.error(text, hint)
  say(M.sentence(text, hint), vim.log.levels.ERROR)
end

--- An error that comes by itself, while the user may be typing: one line, so that Neovim does not ask for a
--- key. The scratch buffer has the whole of it.
---@param text string
---@param hint? string
function M.error_line(text, hint)
  local line = M.sentence(text, hint):gsub('%c', ' ')
  local room = math.max(vim.v.echospace - #'Vivek: ', 20)
  if vim.fn.strdisplaywidth(line) > room then
    line = vim.fn.strcharpart(line, 0, room - 1) .. '…'
  end
  say(line, vim.log.levels.ERROR)
end

--- An error that ends what it comes from: an operator that waits for a motion, a macro, `:normal`.
---@param text string
function M.abort(text)
  text = 'Vivek: ' .. text
  if vim.fn.has('nvim-0.11') == 1 then
    vim.api.nvim_echo({ { text } }, true, { err = true })
  else
    vim.api.nvim_err_writeln(text)
  end
end

---@param text string
---@param hint? string
---@return string
function M.sentence(text, hint)
  return (hint and hint ~= '') and (text .. ' ' .. hint) or text
end

--- One line that the next one replaces; it leaves no trace in `:messages`, and none where nobody looks.
---@param text string
function M.progress(text)
  if #vim.api.nvim_list_uis() == 0 then
    return
  end
  local line = vim.fn.strcharpart('Vivek: ' .. text:gsub('%c', ' '), 0, math.max(vim.o.columns - 12, 20))
  vim.api.nvim_echo({ { line } }, false, {})
  vim.cmd.redraw()
end

--- The file that Neovim's side and the Python process write to.
---@return string
function M.log_path()
  return vim.fs.normalize(vim.fn.stdpath('log') .. '/vivek.log')
end

local OWNER_ALONE = tonumber('600', 8)

--- Append to the log, in the form that the Python side writes: one JSON object a line. A log that cannot be
--- written stops nothing.
---@param text string
function M.log(text)
  if vim.trim(text) == '' then
    return
  end
  local line = ('{"time": "%s", "level": "INFO", "logger": "nvim", "pid": %d, "message": %s}'):format(
    os.date('%Y-%m-%dT%H:%M:%S%z'),
    vim.uv.os_getpid(),
    vim.json.encode(text)
  )
  local path = M.log_path()
  pcall(vim.fn.mkdir, vim.fs.dirname(path), 'p')
  local file = vim.uv.fs_open(path, 'a', OWNER_ALONE)
  if file then
    vim.uv.fs_write(file, line .. '\n')
    vim.uv.fs_close(file)
  end
end

--- How to reach the log, for the end of a message.
---@return string
function M.log_hint()
  return ('The log is %s (:VivekLog).'):format(vim.fn.fnamemodify(M.log_path(), ':~'))
end

return M
