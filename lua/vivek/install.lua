--- Vivek's own virtual environment below `stdpath('data')`, and its models: made, checked and found.
---
--- The packages are installed "editable", so a `git pull` of the plugin changes the code at once; a stamp
--- tells when its dependencies changed. What it doesn't do: start the host, or fetch anything unasked.

local config = require('vivek.config')
local message = require('vivek.message')

local M = {}

---@alias vivek.InstallState 'ready'|'missing'|'stale'

---@class vivek.Model
---@field name string
---@field title string
---@field bytes integer size of the download
---@field installed boolean

local OLDEST = { 3, 10 }
-- The newest that every package has a wheel for come first; a plain python3 may be newer still, or too old.
local PYTHONS = { 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python' }
local STAMP = 'vivek.json'
local WAIT_MS = 60 * 60 * 1000
local VERSION_MS = 5000

local running = false

--- The plugin's folder.
---@return string
function M.root()
  local this = debug.getinfo(1, 'S').source:sub(2)
  return vim.fs.normalize(vim.fn.fnamemodify(vim.uv.fs_realpath(this) or this, ':p:h:h:h'))
end

--- The virtual environment's folder.
---@return string
function M.venv()
  return vim.fs.normalize(vim.fn.stdpath('data') .. '/vivek/venv')
end

---@return string? problem what keeps Vivek off this system
function M.unsupported()
  if vim.fn.has('win32') == 1 then
    return 'Windows is not supported yet. Linux, macOS and WSL are.'
  end
end

---@param path string
---@return string? text
local function read(path)
  local file = io.open(path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('*a')
  file:close()
  return text
end

--- What the environment was installed from, as the stamp should say it.
---@return { root: string, pyproject: string }
local function fingerprint()
  return { root = M.root(), pyproject = vim.fn.sha256(read(M.root() .. '/pyproject.toml') or '') }
end

--- Whether the virtual environment is there and fits this version of the plugin.
---@return vivek.InstallState
function M.state()
  if vim.fn.executable(M.venv() .. '/bin/python') == 0 then
    return 'missing'
  end
  local stamp = read(M.venv() .. '/' .. STAMP)
  if not stamp then
    return 'missing'
  end
  local ok, found = pcall(vim.json.decode, stamp)
  return ok and vim.deep_equal(found, fingerprint()) and 'ready' or 'stale'
end

--- The Python that runs the host.
---@return string? path
---@return string? text what is wrong
---@return string? hint
function M.python()
  local problem = M.unsupported()
  if problem then
    return nil, problem
  end
  local own = config.get().python
  if own then
    local path = vim.fn.exepath(vim.fs.normalize(own))
    if path == '' then
      return nil, ('There is no Python at %s.'):format(own), 'Correct `python` in setup(), or leave it out.'
    end
    return path
  end
  if M.state() == 'missing' then
    return nil, 'The Python part is not installed.', 'Run :VivekInstall.'
  end
  return M.venv() .. '/bin/python'
end

--- Run a program from within a task; its lines are passed on as they come.
---@async
---@param command string[]
---@param on_line? fun(line: string)
---@return vim.SystemCompleted
local function system(command, on_line)
  local task = assert(coroutine.running())
  local stdout = {}
  local function on_stdout(_, data)
    if data then
      table.insert(stdout, data)
      for line in data:gmatch('[^\r\n]+') do
        vim.schedule(function()
          on_line(line)
        end)
      end
    end
  end
  local ok, failure = pcall(
    vim.system,
    command,
    { text = true, stdout = on_line and on_stdout or true },
    function(done)
      done.stdout = done.stdout or table.concat(stdout)
      vim.schedule(function()
        local resumed, fault = coroutine.resume(task, done)
        if not resumed then
          error(debug.traceback(task, fault))
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
local function task(work)
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
local function tail(done)
  local text = (done.stderr or '') ~= '' and done.stderr or done.stdout or ''
  local lines = vim.split(vim.trim(text), '\n')
  return table.concat(vim.list_slice(lines, math.max(#lines - 2, 1)), ' ')
end

local VERSION_PROGRAM = 'import sys; print("%d.%d" % sys.version_info[:2])'

---@param done vim.SystemCompleted
---@return string? version nil where it is too old
local function usable_version(done)
  local major, minor = (done.stdout or ''):match('^(%d+)%.(%d+)')
  if done.code == 0 and major and not vim.version.lt({ tonumber(major), tonumber(minor) }, OLDEST) then
    return major .. '.' .. minor
  end
end

---@async
---@param python string
---@return string? version such as "3.11", nil where it is no Python or too old
local function version_of(python)
  return usable_version(system({ python, '-I', '-c', VERSION_PROGRAM }))
end

--- The same, waited for.
---@param python string
---@return string? version
function M.version(python)
  local ok, process = pcall(vim.system, { python, '-I', '-c', VERSION_PROGRAM }, { text = true })
  return ok and usable_version(process:wait(VERSION_MS)) or nil
end

--- The first Python on this machine that is new enough.
---@async
---@return string? path
---@return string? version
local function find_python()
  for _, name in ipairs(vim.list_extend({ vim.g.python3_host_prog }, PYTHONS)) do
    local path = vim.fn.exepath(vim.fs.normalize(name))
    local version = path ~= '' and version_of(path)
    if version then
      return path, version
    end
  end
end

---@async
---@param python string
---@param version string
---@return string? text
---@return string? hint
local function make_venv(python, version)
  message.info(('Making a virtual environment with Python %s'):format(version))
  local done = system({ python, '-I', '-m', 'venv', '--clear', M.venv() })
  if done.code == 0 then
    return
  end
  message.log(done.stdout .. done.stderr)
  if (done.stdout .. done.stderr):find('ensurepip', 1, true) then
    return ('This Python %s cannot make virtual environments.'):format(version),
      ('Install its package for that (Debian, Ubuntu: `apt install python%s-venv`), then run :VivekInstall.'):format(
        version
      )
  end
  return 'The virtual environment could not be made: ' .. tail(done), message.log_hint()
end

---@async
---@return string? text
---@return string? hint
local function install_packages()
  message.info('Installing the packages; this takes a minute or two')
  local pip =
    { M.venv() .. '/bin/python', '-I', '-m', 'pip', '--disable-pip-version-check', '--no-input', 'install' }
  local done = system(vim.list_extend(pip, { '--editable', M.root() }), function(line)
    message.log(line .. '\n')
    message.progress(line)
  end)
  if done.code ~= 0 then
    message.log(done.stderr)
    return 'pip could not install the packages: ' .. tail(done), message.log_hint()
  end
  local stamp = assert(io.open(M.venv() .. '/' .. STAMP, 'wb'))
  stamp:write(vim.json.encode(fingerprint()))
  stamp:close()
end

---@async
---@return string? text
---@return string? hint
local function install_environment()
  local problem = M.unsupported()
  if problem then
    return problem
  end
  local own = config.get().python
  if own then
    return ('setup{ python = "%s" } is set, so that Python is used as it is.'):format(own),
      ('To update it: %s -m pip install --editable %s'):format(own, M.root())
  end
  if not version_of(M.venv() .. '/bin/python') then
    local python, version = find_python()
    if not python then
      return 'No Python 3.10 or newer was found.',
        'Install one (Debian, Ubuntu: `apt install python3 python3-venv`; macOS: `brew install python`), '
          .. 'then run :VivekInstall.'
    end
    local text, hint = make_venv(python, version --[[@as string]])
    if text then
      return text, hint
    end
  end
  local text, hint = install_packages()
  if text then
    return text, hint
  end
  -- A process that runs has the old packages in memory; the next command starts a new one.
  local host = package.loaded['vivek.host']
  if host then
    host.stop()
  end
  message.info('Installed. :checkhealth vivek tells which model would answer.')
end

---@param bytes number
---@return string
local function size(bytes)
  return bytes >= 1e9 and ('%.1f GB'):format(bytes / 1e9) or ('%.0f MB'):format(bytes / 1e6)
end

---@param model vivek.Model
---@return string
local function label(model)
  return ('%s (%s)%s'):format(model.title, size(model.bytes), model.installed and ', installed' or '')
end

--- The command line program, which lies beside the Python that runs the host.
---@return string? path
---@return string? text
---@return string? hint
local function program()
  local python, text, hint = M.python()
  if not python then
    return nil, text, hint
  end
  local path = vim.fs.dirname(python) .. '/vivek'
  if vim.fn.executable(path) == 0 then
    return nil, ('There is no `vivek` program beside %s.'):format(python), 'Run :VivekInstall.'
  end
  return path
end

---@async
---@param vivek string the program
---@return vivek.Model[]? models
---@return string? text
---@return string? hint
local function list_models(vivek)
  local done = system({ vivek, 'models', '--json' })
  local ok, models = pcall(vim.json.decode, done.stdout)
  if done.code ~= 0 or not ok then
    message.log(done.stderr)
    return nil, 'The models could not be listed: ' .. tail(done), message.log_hint()
  end
  return models
end

---@async
---@generic T
---@param items T[]
---@param options table
---@return T?
local function select(items, options)
  local thread = assert(coroutine.running())
  -- Some pickers answer before they return: the answer then waits for the question.
  vim.ui.select(items, options, function(item)
    vim.schedule(function()
      coroutine.resume(thread, item)
    end)
  end)
  return coroutine.yield()
end

--- Which model to fetch. A list with sizes is a question already; a name is asked about with its size.
--- Without a user interface nobody can answer, and a name says all.
---@async
---@param models vivek.Model[]
---@param name? string
---@return vivek.Model? model nil also where the user says no
---@return string? text
---@return string? hint
local function choose(models, name)
  local headless = #vim.api.nvim_list_uis() == 0
  if not name and not headless then
    return select(models, { prompt = 'Download which model?', kind = 'vivek_model', format_item = label })
  end
  local names = {}
  for _, model in ipairs(models) do
    table.insert(names, model.name)
    if model.name == name then
      local sure = headless
        or select({ 'Download', 'Cancel' }, { prompt = 'Download ' .. label(model) .. '?' })
      return (sure == true or sure == 'Download') and model or nil
    end
  end
  local text = name and ('There is no model "%s".'):format(name) or 'Which model?'
  return nil, text, ':VivekInstall model takes one of: ' .. table.concat(names, ', ') .. '.'
end

--- A line of the download, told once for each percent.
---@param name string
---@return fun(line: string)
local function download_progress(name)
  local shown
  return function(line)
    local ok, step = pcall(vim.json.decode, line)
    if not ok or type(step) ~= 'table' or not tonumber(step.done) or not tonumber(step.total) then
      message.log(line .. '\n')
      return
    end
    local percent = step.total > 0 and math.floor(100 * step.done / step.total) or 0
    if percent ~= shown then
      shown = percent
      message.progress(('%s: %d %% of %s'):format(name, percent, size(step.total)))
    end
  end
end

---@async
---@param name? string
---@return string? text
---@return string? hint
local function install_model(name)
  local vivek, text, hint = program()
  if not vivek then
    return text, hint
  end
  local models
  models, text, hint = list_models(vivek)
  if not models then
    return text, hint
  end
  local model
  model, text, hint = choose(models, name)
  if not model then
    return text, hint
  end
  message.info(('Downloading %s'):format(label(model)))
  local done =
    system({ vivek, 'install', 'model', model.name, '--json-progress' }, download_progress(model.name))
  if done.code ~= 0 then
    message.log(done.stderr)
    return tail(done), message.log_hint()
  end
  message.info(('%s is installed.'):format(model.title))
end

--- `:VivekInstall [model [name]]`
---@param what? string nil for the Python part
---@param name? string a model's name
function M.run(what, name)
  if what == nil then
    task(install_environment)
  elseif what == 'model' then
    task(function()
      return install_model(name)
    end)
  else
    message.error(('There is no "%s" to install.'):format(what), 'Use :VivekInstall, or :VivekInstall model.')
  end
end

return M
