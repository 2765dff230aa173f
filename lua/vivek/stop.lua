--- `:VivekStop`: which runs it means.
---
--- It bridges the place of the cursor and the runs at work. What it doesn't do: end one.

local capture = require('vivek.capture')
local lifecycle = require('vivek.lifecycle')
local message = require('vivek.message')
local runs = require('vivek.runs')
local scratch = require('vivek.scratch')
local sources = require('vivek.sources')

local M = {}

--- The run at work that the cursor is at, be it in the scratch buffer or in the source.
---@param buf integer the source buffer
---@return vivek.Run?
local function at_work_here(buf)
  local win = vim.api.nvim_get_current_win()
  local current = vim.api.nvim_win_get_buf(win)
  if not scratch.source_of(current) then
    return runs.at(buf, capture.cursor(buf))
  end
  local id = scratch.run_at(current, vim.api.nvim_win_get_cursor(win)[1])
  local run = id and runs.get(id)
  return run and run.running and run or nil
end

--- The runs that a stop without further words means.
---@return vivek.Run[]
local function meant()
  local buf = sources.current()
  local here, of_buffer = at_work_here(buf), runs.at_work(buf)
  here = here or of_buffer[#of_buffer]
  return here and { here } or runs.at_work()
end

--- Stop the run that the cursor is at, in the scratch buffer or in the source, else the latest of the buffer,
--- or every run where it has none.
---@param options { all?: boolean } all: every run
function M.stop(options)
  local stopping = options.all and runs.at_work() or meant()
  if #stopping == 0 then
    return message.info('Nothing is running.')
  end
  vim.tbl_map(lifecycle.stop, stopping)
end

return M
