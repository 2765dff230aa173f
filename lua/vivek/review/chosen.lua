--- Which finding a command means: the one that the cursor is at, in the report or in the source.
---
--- It bridges the cursor and findings, and asks the user where several are on one line. What it doesn't do:
--- do anything with it.

local diagnostics = require('vivek.review.diagnostics')
local findings = require('vivek.findings')
local message = require('vivek.message')
local report = require('vivek.review.report')
local sources = require('vivek.sources')

local M = {}

--- Choose the finding that the cursor is at. Where there is none, the user is told.
---@param prompt string
---@param chosen fun(buf: integer, item: vivek.FoundItem)
function M.at_cursor(prompt, chosen)
  local item, buf = report.item(), sources.current()
  local items = item and { item } or {}
  if not report.source_of(vim.api.nvim_get_current_buf()) then
    items = findings.at(buf, vim.api.nvim_win_get_cursor(0)[1])
  end
  if #items == 0 then
    return message.info('No finding is on this line.')
  elseif #items == 1 then
    return chosen(buf, items[1])
  end
  vim.ui.select(items, {
    prompt = prompt,
    kind = 'vivek_finding',
    format_item = function(one)
      return ('%s [%s]'):format(one.finding.message, diagnostics.source(one.finding))
    end,
  }, function(one)
    if one then
      chosen(buf, one)
    end
  end)
end

return M
