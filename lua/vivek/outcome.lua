--- What became of a run's hunks, told to the Python side: it is the conversation's memory.
---
--- Hunks are also decided while no Python runs, as after a restart. What was not told then is told before the
--- next ask. What it doesn't do: know what a hunk is, or start Python.

local capture = require('vivek.capture')
local host = require('vivek.host')
local proposals = require('vivek.proposals')

local M = {}

---@type table<string, table> by run
local untold = {}

--- Tell it, now or before the next ask.
---@param run vivek.Run
---@param placed? vivek.Placed where its hunks are, if not in its own buffer
function M.tell(run, placed)
  if not vim.api.nvim_buf_is_valid(run.buf) then
    return
  end
  local about = { path = run.path, buffer = capture.identity(run.buf), run = run.id }
  local at = placed or { buf = run.buf, run = run.id }
  local outcome = vim.tbl_extend('error', about, proposals.outcome(at.buf, at.run))
  if host.running() then
    host.notify('vivek_outcome', outcome)
  else
    untold[run.id] = outcome
  end
end

--- Tell what was not told yet. Python runs.
function M.catch_up()
  for run, outcome in pairs(untold) do
    untold[run] = nil
    host.notify('vivek_outcome', outcome)
  end
end

return M
