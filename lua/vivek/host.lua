--- Owns the Python process: starts, supervises and ends it, and speaks RPC with it. The only file that does.
---
--- Neovim's own `:UpdateRemotePlugins` has no part in it. What it doesn't do: know what the messages mean;
--- whoever wants an event registers with `on()`.

local config = require('vivek.config')
local install = require('vivek.install')
local message = require('vivek.message')

local M = {}

---@class vivek.Event
---@field kind string
---@field run? string

---@class vivek.HostProcess
---@field channel integer
---@field pid integer
---@field stderr string the last of what it wrote there
---@field heard boolean whether it ever said anything: until then a crash is one of starting
---@field expected boolean whether its end is wanted, or told by whoever waits for it
---@field gone boolean
---@field obituary? [string, string] text and hint, once it has ended

---@type vivek.HostProcess?
local process

---@type table<string, fun(event: vivek.Event)[]>
local listeners = {}

-- The plugin's own folder comes first in the path, so that neither another package of this name nor a moved
-- installation is imported; and the import comes before the host, which would keep a failure to itself.
local BOOTSTRAP = 'import os, sys; sys.path.insert(0, os.path.dirname(sys.argv[1])); '
  .. 'import pynvim, vivek; pynvim.start_host()'
local STDERR_KEPT = 4000
local SHUTDOWN_MS = 200
-- How long an end takes to be noticed after the connection broke.
local EXIT_MS = 500

--- The command that starts the host. "-I" keeps the working directory, which may be anyone's repository, and
--- the user's PYTHON* variables out of the imports.
---@param python string
---@return string[]
local function command(python)
  local package = vim.fs.normalize(install.root() .. '/rplugin/python3/vivek')
  return { python, '-I', '-X', 'faulthandler', '-c', BOOTSTRAP, package }
end

---@param event vivek.Event
local function dispatch(event)
  for _, listener in ipairs(listeners[event.kind] or {}) do
    local ok, failure = xpcall(listener, debug.traceback, event)
    if not ok then
      -- One listener's fault must not lose the events behind it.
      message.log(('%s\n'):format(failure))
      message.error(('A fault in Vivek itself, at the event "%s".'):format(event.kind), message.log_hint())
    end
  end
end

---@param value any
---@return any
local function without_nil(value)
  if value == vim.NIL then
    return nil
  elseif type(value) ~= 'table' then
    return value
  end
  for key, item in pairs(value) do
    value[key] = without_nil(item)
  end
  return value
end

--- Call a function for every event of a kind. Kind 'exit' is the host's own: the process has ended unasked.
---@param kind string
---@param listener fun(event: vivek.Event)
function M.on(kind, listener)
  listeners[kind] = listeners[kind] or {}
  table.insert(listeners[kind], listener)
end

--- What the Python side calls, with the events of the last 40 ms.
---@param events vivek.Event[]
function M.on_events(events)
  if process then
    process.heard = true
  end
  for _, event in ipairs(without_nil(events)) do
    dispatch(event)
  end
end

--- The last line of an error output that says something.
---@param stderr string
---@return string
local function last_words(stderr)
  return stderr:match('([^\n]*%S)%s*$') or ''
end

---@param code integer the exit status; above 128, the signal that killed the process plus 128
---@return string
local function cause(code)
  return code > 128 and ('signal %d'):format(code - 128) or ('exit status %d'):format(code)
end

--- Why a process ended, and what to do next.
---@param ended vivek.HostProcess
---@param code integer
---@return string text
---@return string hint
local function obituary(ended, code)
  -- Nothing kills a process for a fault in its start.
  if ended.heard or code > 128 then
    return ('The Python process ended unexpectedly (%s).'):format(cause(code)),
      'The next command starts it again. ' .. message.log_hint()
  end
  local reason = last_words(ended.stderr)
  reason = reason == '' and cause(code) or reason:gsub('%.$', '')
  return ('The Python process did not start: %s.'):format(reason),
    'Run :VivekInstall, or :checkhealth vivek to see what is wrong. ' .. message.log_hint()
end

---@param ended vivek.HostProcess
---@param code integer
local function on_exit(ended, code)
  ended.gone = true
  if process == ended then
    process = nil
  end
  if vim.v.exiting ~= vim.NIL then
    return
  end
  local text, hint = obituary(ended, code)
  ended.obituary = { text, hint }
  if not ended.expected then
    if ended.heard then
      -- The user may be typing, and the log's path is long: the scratch buffer has it.
      message.error_line(text, ':VivekLog opens its log. The next command starts it again.')
    else
      message.error(text, hint)
    end
  end
  dispatch({ kind = 'exit', text = text, hint = hint })
end

--- End the process: it is asked to, told to, and made to, within a fraction of a second.
function M.stop()
  local ending = process
  if not ending then
    return
  end
  process = nil
  ending.expected = true
  pcall(vim.rpcnotify, ending.channel, 'vivek_shutdown', vim.empty_dict())
  pcall(vim.fn.jobstop, ending.channel)
  -- `jobwait()` knows no job that `jobstop()` was called for.
  local gone = vim.wait(SHUTDOWN_MS, function()
    return ending.gone
  end, 5)
  if not gone then
    vim.uv.kill(ending.pid, 'sigkill')
  end
end

---@param python string
---@return integer channel 0 or less where it did not start
---@return vivek.HostProcess
local function spawn(python)
  ---@type vivek.HostProcess
  local started = { channel = 0, pid = 0, stderr = '', heard = false, expected = false, gone = false }
  local ok, channel = pcall(vim.fn.jobstart, command(python), {
    rpc = true,
    cwd = install.root(),
    env = { VIVEK_LOG = message.log_path(), VIVEK_LOG_LEVEL = config.get().log_level },
    on_stderr = function(_, lines)
      local text = table.concat(lines, '\n')
      started.stderr = (started.stderr .. text):sub(-STDERR_KEPT)
      -- What it writes once it was told to end is the connection's loss.
      if process == started then
        message.log(text)
      end
    end,
    on_exit = function(_, code)
      on_exit(started, code)
    end,
  })
  started.channel = ok and channel or 0
  if started.channel > 0 then
    started.pid = vim.fn.jobpid(started.channel)
  end
  return started.channel, started
end

--- Start the process where it does not run.
---@return integer? channel
---@return string? text what is wrong
---@return string? hint
function M.start()
  if process then
    return process.channel
  end
  local python, text, hint = install.python()
  if not python then
    return nil, text, hint
  end
  local channel, started = spawn(python)
  if channel <= 0 then
    return nil, ('Python could not be started: %s.'):format(python), 'Run :VivekInstall.'
  end
  process = started
  vim.api.nvim_create_autocmd('VimLeavePre', {
    group = vim.api.nvim_create_augroup('vivek_host', { clear = true }),
    callback = M.stop,
  })
  return channel
end

---@return boolean
function M.running()
  return process ~= nil
end

---@return integer? pid
function M.pid()
  return process and process.pid
end

--- Send a message that has no answer, and start the process where it does not run.
---@param method string
---@param payload table
---@return boolean sent
---@return string? text
---@return string? hint
function M.notify(method, payload)
  local channel, text, hint = M.start()
  if not channel then
    return false, text, hint
  end
  local ok, failure = pcall(vim.rpcnotify, channel, method, payload)
  if not ok then
    return false, ('The Python process cannot be reached: %s'):format(failure), message.log_hint()
  end
  return true
end

---@param asked vivek.HostProcess
---@param method string
---@param payload table
---@param timeout_ms integer
---@return boolean ok
---@return any answer
---@return boolean late whether it was killed for not answering
local function request_within(asked, method, payload, timeout_ms)
  local late = false
  -- A bare timer: what is scheduled waits for the end of the request.
  local timer = assert(vim.uv.new_timer())
  timer:start(timeout_ms, 0, function()
    late = true
    vim.uv.kill(asked.pid, 'sigkill')
  end)
  local ok, answer = pcall(vim.rpcrequest, asked.channel, method, payload)
  timer:close()
  return ok, answer, late
end

--- Ask and wait for the answer: for messages that are answered at once. A process that does not answer in
--- time is of no use and is killed.
---@param method string
---@param payload table
---@param timeout_ms integer
---@return any answer nil where none came
---@return string? text
---@return string? hint
function M.request(method, payload, timeout_ms)
  local channel, text, hint = M.start()
  if not channel then
    return nil, text, hint
  end
  local asked = process --[[@as vivek.HostProcess]]
  asked.expected = true
  local ok, answer, late = request_within(asked, method, payload, timeout_ms)
  if ok then
    asked.expected, asked.heard = false, true
    return without_nil(answer)
  elseif late then
    return nil,
      ('The Python process did not answer within %d ms and was ended.'):format(timeout_ms),
      message.log_hint()
  end
  vim.wait(EXIT_MS, function()
    return asked.obituary ~= nil
  end, 5)
  asked.expected = false
  if asked.obituary then
    return nil, unpack(asked.obituary)
  end
  return nil, ('The Python process failed: %s'):format(answer), message.log_hint()
end

return M
