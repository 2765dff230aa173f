--- `:VivekInstall model`: which models there are, which of them to fetch, and how far the download is.
---
--- The `vivek` program knows the models and fetches them; this asks it and the user. What it doesn't do:
--- fetch anything unasked.

local install = require('vivek.install')
local message = require('vivek.message')
local task = require('vivek.task')

local M = {}

---@class vivek.Model
---@field name string
---@field title string
---@field bytes integer size of the download
---@field installed boolean

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
  local python, text, hint = install.python()
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
  local done = task.system({ vivek, 'models', '--json' })
  local ok, models = pcall(vim.json.decode, done.stdout)
  if done.code ~= 0 or not ok then
    message.log(done.stderr)
    return nil, 'The models could not be listed: ' .. task.tail(done), message.log_hint()
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
      -- The built-in question stays on the screen, and what is told next would wait there for a key.
      vim.cmd.redraw()
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

--- Fetch a model, asked about with its size.
---@async
---@param name? string
---@return string? text
---@return string? hint
function M.install(name)
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
    task.system({ vivek, 'install', 'model', model.name, '--json-progress' }, download_progress(model.name))
  if done.code ~= 0 then
    message.log(done.stderr)
    return task.tail(done), message.log_hint()
  end
  message.info(('%s is installed.'):format(model.title))
end

return M
