--- Vivek's own virtual environment below `stdpath('data')`: made, checked and found.
---
--- The packages are installed "editable", so a `git pull` of the plugin changes the code at once; a stamp
--- tells when its dependencies changed. What it doesn't do: start the host, or fetch anything unasked.

local config = require('vivek.config')
local file = require('vivek.file')
local message = require('vivek.message')
local task = require('vivek.task')

local M = {}

---@alias vivek.InstallState 'ready'|'missing'|'stale'

local OLDEST = { 3, 10 }
-- The newest that every package has a wheel for come first; a plain python3 may be newer still, or too old.
local PYTHONS = { 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python' }
local STAMP = 'vivek.json'
local VERSION_MS = 5000

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

--- What the environment was installed from, as the stamp should say it.
---@return { root: string, pyproject: string }
local function fingerprint()
  return { root = M.root(), pyproject = vim.fn.sha256(file.read(M.root() .. '/pyproject.toml') or '') }
end

--- Whether the virtual environment is there and fits this version of the plugin.
---@return vivek.InstallState
function M.state()
  if vim.fn.executable(M.venv() .. '/bin/python') == 0 then
    return 'missing'
  end
  local stamp = file.read(M.venv() .. '/' .. STAMP)
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
  return usable_version(task.system({ python, '-I', '-c', VERSION_PROGRAM }))
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
  local done = task.system({ python, '-I', '-m', 'venv', '--clear', M.venv() })
  if done.code == 0 then
    return
  end
  message.log(done.stdout .. done.stderr)
  if (done.stdout .. done.stderr):find('ensurepip', 1, true) then
    local hint =
      'Install its package for that (Debian, Ubuntu: `apt install python%s-venv`), then run :VivekInstall.'
    return ('This Python %s cannot make virtual environments.'):format(version), hint:format(version)
  end
  return 'The virtual environment could not be made: ' .. task.tail(done), message.log_hint()
end

---@async
---@return string? text
---@return string? hint
local function install_packages()
  message.info('Installing the packages; this takes a minute or two')
  local command =
    { M.venv() .. '/bin/python', '-I', '-m', 'pip', '--disable-pip-version-check', '--no-input' }
  vim.list_extend(command, { 'install', '--progress-bar', 'off', '--editable', M.root() })
  local done = task.system(command, function(line)
    message.log(line .. '\n')
    local package = line:match('^Collecting ([%w_.-]+)')
    if package then
      message.progress('Collecting ' .. package)
    elseif vim.startswith(line, 'Installing collected') then
      message.progress('Installing what was collected')
    end
  end)
  if done.code ~= 0 then
    message.log(done.stderr)
    return 'pip could not install the packages: ' .. task.tail(done), message.log_hint()
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
  -- A plugin manager makes the help tags; without one, nobody else does. A read-only folder goes without.
  pcall(vim.cmd.helptags, M.root() .. '/doc')
  message.info('Installed. :checkhealth vivek tells which model would answer.')
end

--- `:VivekInstall [model [name]]`
---@param what? string nil for the Python part
---@param name? string a model's name
function M.run(what, name)
  if what == nil then
    task.run(install_environment)
  elseif what == 'model' then
    task.run(function()
      return require('vivek.models').install(name)
    end)
  else
    message.error(('There is no "%s" to install.'):format(what), 'Use :VivekInstall, or :VivekInstall model.')
  end
end

return M
