local M = {}
function M.lines(old, mine, theirs)
  if vim.deep_equal(old, mine) then return theirs end
  if vim.deep_equal(old, theirs) then return mine end
  if vim.deep_equal(mine, theirs) then return mine end
  return nil
end
return M
