--- `:checkhealth vivek`: every part that an ask needs, in the order it needs them, each failure with the
--- command that mends it.
---
--- It starts the host, which is what the first ask would do. What it doesn't do: load a model, or change
--- anything.

local config = require('vivek.config')
local host = require('vivek.host')
local install = require('vivek.install')
local message = require('vivek.message')

local M = {}

---@class vivek.HealthItem
---@field name string
---@field ok boolean|'warn'
---@field text string
---@field hint? string

local OLDEST_NEOVIM = 'nvim-0.10'
local PING_MS = 10000
local REPORT_MS = 15000

local asked = 0
---@type table<integer, vivek.HealthItem[]>
local reports = {}

host.on('health', function(event)
  reports[event.id] = event.report
end)

--- Whether reports can be highlighted. Neovim brings the parsers along; a distribution may leave them out.
local function check_markdown()
  local missing = vim.tbl_filter(function(language)
    return not pcall(vim.treesitter.language.inspect, language)
  end, { 'markdown', 'markdown_inline' })
  if #missing == 0 then
    vim.health.ok('tree-sitter has Markdown, for the reports of :VivekReview')
  else
    vim.health.warn(
      ('tree-sitter has no parser for %s: reports are highlighted in a simpler way.'):format(
        table.concat(missing, ', ')
      ),
      'Install it, for example with nvim-treesitter: :TSInstall markdown markdown_inline'
    )
  end
end

local function check_editor()
  vim.health.start('vivek: Neovim')
  local version = tostring(vim.version())
  if vim.fn.has(OLDEST_NEOVIM) == 1 then
    vim.health.ok('Neovim ' .. version)
  else
    vim.health.error(('Neovim %s is too old.'):format(version), 'Install Neovim 0.10 or newer.')
  end
  local problem = install.unsupported()
  if problem then
    vim.health.error(problem)
  end
  check_markdown()
end

--- Whether the packages in Vivek's own environment are those that this version of the plugin needs.
local function check_environment()
  local own = config.get().python
  local states = {
    ready = function()
      vim.health.ok('Virtual environment: ' .. install.venv())
    end,
    stale = function()
      vim.health.warn('The virtual environment is out of date.', 'Run :VivekInstall.')
    end,
    missing = function()
      vim.health.error('There is no virtual environment in ' .. install.venv() .. '.', 'Run :VivekInstall.')
    end,
  }
  if own then
    vim.health.ok(('setup{ python = "%s" } takes the place of the virtual environment'):format(own))
  else
    states[install.state()]()
  end
end

---@return boolean usable
local function check_python()
  vim.health.start('vivek: Python')
  check_environment()
  local python, text, hint = install.python()
  if not python then
    if config.get().python then
      vim.health.error(text --[[@as string]], hint)
    end
    return false
  end
  local version = install.version(python)
  if not version then
    vim.health.error(python .. ' does not run, or is older than Python 3.10.', 'Run :VivekInstall.')
    return false
  end
  vim.health.ok(('Python %s: %s'):format(version, python))
  return true
end

---@return boolean usable
local function check_host()
  vim.health.start('vivek: host process')
  local running = host.running()
  local began = vim.uv.hrtime()
  local answer, text, hint = host.request('vivek_ping', vim.empty_dict(), PING_MS)
  if not answer then
    vim.health.error(text --[[@as string]], hint)
    return false
  end
  local took = (vim.uv.hrtime() - began) / 1e6
  vim.health.ok(
    ('Vivek %s, process %d, %s in %.0f ms'):format(
      answer.version,
      answer.pid,
      running and 'answered' or 'started and answered',
      took
    )
  )
  return true
end

---@param item vivek.HealthItem
local function tell(item)
  local advice = item.hint ~= '' and item.hint or nil
  if item.ok == true then
    vim.health.ok(('%s: %s'):format(item.name, item.text))
  elseif item.ok == 'warn' then
    vim.health.warn(('%s: %s'):format(item.name, item.text), advice)
  else
    vim.health.error(('%s: %s'):format(item.name, item.text), advice)
  end
end

--- What only the Python side can see: backends, models, folders.
local function check_models()
  vim.health.start('vivek: models and folders')
  asked = asked + 1
  local id = asked
  local path = vim.api.nvim_buf_get_name(0)
  local sent, text, hint = host.notify('vivek_health', {
    id = id,
    config = config.for_run(),
    cwd = vim.fs.normalize(vim.fn.getcwd()),
    path = path,
  })
  local came = sent
    and vim.wait(REPORT_MS, function()
      return reports[id] ~= nil or not host.running()
    end, 10)
  if not came or not reports[id] then
    local late = ('No report came within %d s.'):format(REPORT_MS / 1000)
    vim.health.error(text or late, hint or message.log_hint())
    return
  end
  vim.tbl_map(tell, reports[id])
  reports[id] = nil
end

function M.check()
  check_editor()
  if check_python() and check_host() then
    check_models()
  end
  vim.health.info(message.log_hint())
end

return M
