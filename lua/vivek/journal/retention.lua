--- What is removed of the journal: what is too old, too many or too big.
---
--- It bridges a limit and the files of runs. What can still be decided on goes last, and never while its file
--- is there. What it doesn't do: know how a run is read.

local records = require('vivek.records')
local runs = require('vivek.journal.run')

local M = {}

---@class vivek.JournalLimit
---@field runs integer how many
---@field bytes number how much all of them take
---@field oldest string what the names of files begin with that are too old to be spared
---@field recent string what those begin with that are too young to be given up with their file

---@class vivek.Spared a run that is not over
---@field path string? the file that its hunks are for; nil where nothing is proposed, or it was no file

-- How many files may be read each time old ones are removed: a moment that no key notices.
local MOST_READ = 20

---@type table<string, vivek.Spared> files that were not over when old ones were last removed
local spared = {}

--- More is known of a run now.
---@param name string the file's
function M.changed(name)
  spared[name] = nil
end

---@param name string
---@param read fun(name: string): vivek.JournalRun?
---@return vivek.Spared? spared nil where the run is over
local function spared_of(name, read)
  local run = read(name)
  -- Of a run that another Neovim begins just now nothing can be read yet.
  if not run or run.running or not run.finish then
    return {}
  elseif runs.is_unsettled(run) then
    return { path = run.path ~= '' and run.path or nil }
  end
end

--- Whether hunks are for a file that is gone: they have no text left to lie in.
---@param name string
---@param limit vivek.JournalLimit
---@return boolean
local function is_orphan(name, limit)
  local path = spared[name] and spared[name].path
  return path ~= nil and name < limit.recent and vim.fn.bufloaded(path) == 0 and not vim.uv.fs_stat(path)
end

---@class vivek.Pruning
---@field from string[] file names, the oldest first
---@field limit vivek.JournalLimit
---@field sizes table<string, integer> by name
---@field bytes integer what is left in all

---@param pruning vivek.Pruning
---@param name string
local function remove(pruning, name)
  pruning.bytes, spared[name] = pruning.bytes - pruning.sizes[name], nil
  records.remove(name)
end

--- Remove what is over, and what is too old to be spared.
---@param pruning vivek.Pruning
---@param read fun(name: string): vivek.JournalRun?
local function remove_over(pruning, read)
  local from, limit, budget = pruning.from, pruning.limit, MOST_READ
  for index, name in ipairs(from) do
    local too_many = index <= #from - limit.runs
    if not too_many and pruning.bytes <= limit.bytes then
      return
    elseif too_many and name < limit.oldest then
      remove(pruning, name)
    elseif not spared[name] and budget > 0 then
      budget, spared[name] = budget - 1, spared_of(name, read)
      if not spared[name] then
        remove(pruning, name)
      end
    end
  end
end

--- Remove what is too much. The newest stay, and for a while what is not over.
---@param from string[] file names, the oldest first
---@param limit vivek.JournalLimit
---@param read fun(name: string): vivek.JournalRun?
function M.prune(from, limit, read)
  local pruning = { from = from, limit = limit, sizes = {}, bytes = 0 }
  for _, name in ipairs(from) do
    pruning.sizes[name] = records.size(name)
    pruning.bytes = pruning.bytes + pruning.sizes[name]
  end
  remove_over(pruning, read)
  for _, name in ipairs(from) do
    -- What was removed is not among those that are spared.
    if pruning.bytes > limit.bytes and is_orphan(name, limit) then
      remove(pruning, name)
    end
  end
end

return M
