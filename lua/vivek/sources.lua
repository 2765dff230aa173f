--- Which buffer a command means: in a scratch buffer or a diff view it is the one that they belong to.

local M = {}

--- The source buffer that the current buffer stands for, else the current buffer itself.
---@return integer
function M.current()
  local current = vim.api.nvim_get_current_buf()
  local diff = package.loaded['vivek.diff']
  local source = require('vivek.scratch').source_of(current) or (diff and diff.enter(current))
  return source and vim.api.nvim_buf_is_valid(source) and source or current
end

return M
