--- Files on disk, read whole. What it doesn't do: decide what may be read.

local M = {}

--- A file's bytes.
---@param path string
---@return string? text nil where it cannot be read
function M.read(path)
  local file = io.open(path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('*a')
  file:close()
  return text
end

return M
