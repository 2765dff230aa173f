--- One long task at a time that runs programs: an installation, a download.
---
--- It bridges `vim.system()` and functions that read from top to bottom. What it doesn't do: know what is
--- installed.

local message = require('vivek.message')

local M = {}

local WAIT_MS = 60 * 60 * 1000

local running = false

--- Cut what comes in pieces into lines.
---@param on_line fun(line: string)
---@return fun(piece: string)
local function by_line(on_line)
  local rest = ''
  return function(piece)
    local lines = vim.split(rest .. piece, '[\r\n]+')
    rest = table.remove(lines)
    for _, line in ipairs(lines) do
      vim.schedule(function()
        on_line(line)
      end)
    end
  end
end

--- Run a program from within a task; its lines are passed on as they come.
---@async
---@param command string[]
---@param on_line? fun(line: string)
---@return vim.SystemCompleted
function M.system(command, on_line)
  local thread = assert(coroutine.running())
  local pieces, take = {}, on_line and by_line(on_line)
  local function on_stdout(_, piece)
    if piece then
      table.insert(pieces, piece)
      take(piece)
    end
  end
  local ok, failure = pcall(
    vim.system,
    command,
    -- `true`, which asks for the same as nothing, is refused by Neovim 0.10.
    { text = true, stdout = on_line and on_stdout or nil },
    function(done)
      done.stdout = done.stdout or table.concat(pieces)
      vim.schedule(function()
        local resumed, fault = coroutine.resume(thread, done)
        if not resumed then
          error(debug.traceback(thread, fault))
        end
      end)
    end
  )
  if not ok then
    return { code = 127, signal = 0, stdout = '', stderr = tostring(failure) }
  end
  return coroutine.yield()
end

--- Run a task that yields while programs run. Without a user interface (a build step of a plugin manager, a
--- script) it is waited for, and a failure is raised.
---@param work async fun(): string?, string? gives text and hint of a failure
function M.run(work)
  if running then
    message.warn('An installation is already at work.')
    return
  end
  running = true
  local failure
  local thread = coroutine.create(function()
    local ok, text, hint = xpcall(work, debug.traceback)
    running = false
    if text then
      failure = ok and message.sentence(text, hint) or text
      message.log(failure .. '\n')
      message.error(failure)
    end
  end)
  coroutine.resume(thread)
  if #vim.api.nvim_list_uis() == 0 then
    vim.wait(WAIT_MS, function()
      return not running
    end, 20)
    if failure then
      error(failure, 0)
    end
  end
end

--- The last lines of a program's output, in one line.
---@param done vim.SystemCompleted
---@return string
function M.tail(done)
  local text = (done.stderr or '') ~= '' and done.stderr or done.stdout or ''
  local lines = vim.split(vim.trim(text), '\n')
  return table.concat(vim.list_slice(lines, math.max(#lines - 2, 1)), ' ')
end

return M
