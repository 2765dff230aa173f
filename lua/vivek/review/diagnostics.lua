--- The findings of a review as diagnostics of Neovim, in a namespace of their own.
---
--- It bridges findings and `vim.diagnostic`, which shows them as the user has set it up, and walks through
--- them (`]d`). Virtual text alone is ours to switch. What it doesn't do: follow edits; it is told of them.

local config = require('vivek.config')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_findings')

---@type table<vivek.Severity, integer>
local SEVERITIES = {
  error = vim.diagnostic.severity.ERROR,
  warning = vim.diagnostic.severity.WARN,
  information = vim.diagnostic.severity.INFO,
  hint = vim.diagnostic.severity.HINT,
}

--- Whom the user is to believe, and how far.
---@param finding vivek.Finding
---@return string
function M.source(finding)
  if finding.source ~= 'model' then
    return finding.source
  end
  return ('model, %d %% sure'):format(math.floor(100 * finding.confidence + 0.5))
end

---@param item vivek.FoundItem
---@return string
local function words(item)
  local finding = item.finding
  local told = finding.suggestion ~= '' and ('%s\n%s'):format(finding.message, finding.suggestion)
    or finding.message
  return item.stale and 'Stale, for the line has changed: ' .. told or told
end

---@param buf integer
---@param item vivek.FoundItem
---@return vim.Diagnostic
local function diagnostic(buf, item)
  local finding = item.finding
  local lines = vim.api.nvim_buf_get_lines(buf, item.first - 1, item.last, false)
  return {
    bufnr = buf,
    lnum = item.first - 1,
    end_lnum = item.last - 1,
    col = #lines[1]:match('^%s*'),
    end_col = #lines[#lines],
    severity = item.stale and vim.diagnostic.severity.HINT or SEVERITIES[finding.severity],
    source = M.source(finding),
    message = words(item),
    user_data = {
      vivek = {
        key = finding.key,
        category = finding.category,
        confidence = finding.confidence,
        stale = item.stale,
      },
    },
  }
end

local function configure()
  local usual = vim.diagnostic.config() or {}
  local virtual_text = config.get().review.virtual_text and (usual.virtual_text or true)
  vim.diagnostic.config({ virtual_text = virtual_text }, NAMESPACE)
end

--- Show what a review has found. What others show already is left to them, and what is too unsure to the
--- report.
---@param found vivek.Findings
function M.show(found)
  local items = {}
  for _, item in ipairs(found.items) do
    if item.first and not item.folded and not item.native then
      items[#items + 1] = diagnostic(found.buf, item)
    end
  end
  configure()
  vim.diagnostic.set(NAMESPACE, found.buf, items)
end

return M
