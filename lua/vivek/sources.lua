--- Which buffer a command means: in a scratch buffer, a report or a diff view it is the one that they belong
--- to.

local M = {}

--- The source buffer that a scratch buffer or a report belongs to; it may have been closed since.
---@param buf integer
---@return integer? source nil where the buffer is neither
function M.of(buf)
  local report = package.loaded['vivek.review.report']
  return require('vivek.scratch').source_of(buf) or (report and report.source_of(buf))
end

--- The source buffer that the current buffer stands for, else the current buffer itself.
---@return integer
function M.current()
  local current = vim.api.nvim_get_current_buf()
  local diff = package.loaded['vivek.diff']
  local source = M.of(current) or (diff and diff.enter(current))
  return source and vim.api.nvim_buf_is_valid(source) and source or current
end

return M
