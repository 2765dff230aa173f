--- A snapshot of a buffer, taken in one go: what the Python side gets to see of it.
---
--- It changes nothing and keeps nothing. What it doesn't do: decide what a model is shown of it.

local M = {}

---@class vivek.Snapshot
---@field path string absolute, '' where the buffer is no file
---@field buffer string what tells buffers apart that are no files
---@field filetype string
---@field lines string[] as `nvim_buf_get_lines()` gives them, but a NUL is "\0"
---@field eol boolean whether the last line ends in a newline when written
---@field selection boolean
---@field first? integer 1-based, with a selection only
---@field last? integer
---@field cursor integer 1-based line
---@field diagnostics vivek.CapturedDiagnostic[]
---@field cwd string

---@class vivek.CapturedDiagnostic
---@field line integer 1-based
---@field message string
---@field severity 'error'|'warning'|'information'|'hint'
---@field source string

local MOST_DIAGNOSTICS = 20
local SEVERITIES = { 'error', 'warning', 'information', 'hint' }
-- What a review of ours has found is no fact about the code, and is not told as one.
local OURS = vim.api.nvim_create_namespace('vivek_findings')

--- Neovim holds a NUL of the file as "\n" within a line: lines as the outside has them, in place.
---@param lines string[]
---@return string[]
function M.from_lines(lines)
  for index, line in ipairs(lines) do
    if line:find('\n', 1, true) then
      lines[index] = line:gsub('\n', '\0')
    end
  end
  return lines
end

--- The lines of a buffer, NULs as "\0".
---@param buf integer
---@return string[]
function M.lines(buf)
  return M.from_lines(vim.api.nvim_buf_get_lines(buf, 0, -1, false))
end

--- Whether the last line would be written with a newline.
---@param buf integer
---@return boolean
function M.eol(buf)
  local options = vim.bo[buf]
  return options.eol or (options.fixeol and not options.binary)
end

--- A path with `/` alone. A `$HOME` in the name of a file stands for itself.
---@param path string
---@return string
local function literal(path)
  return vim.fs.normalize(path, { expand_env = false })
end

--- The file behind a buffer; '' for a buffer that is none, whatever it is named.
---@param buf integer
---@return string
function M.path(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  local is_file = vim.tbl_contains({ '', 'acwrite', 'help' }, vim.bo[buf].buftype)
  if name == '' or not is_file or name:find('^%a[%w+.-]+://') then
    return ''
  end
  return literal(vim.fn.fnamemodify(name, ':p'))
end

-- Buffer numbers begin anew with every Neovim; the conversations about them must not.
local session = ('%d-%x'):format(vim.uv.os_getpid(), vim.uv.hrtime())

--- A name for a buffer that no other has, in this Neovim or another.
---@param buf integer
---@return string
function M.identity(buf)
  return ('%s-%d'):format(session, buf)
end

--- The line of the cursor, in the buffer's window where it has one.
---@param buf integer
---@return integer
function M.cursor(buf)
  if vim.api.nvim_get_current_buf() == buf then
    return vim.api.nvim_win_get_cursor(0)[1]
  end
  local window = vim.fn.bufwinid(buf)
  if window ~= -1 then
    return vim.api.nvim_win_get_cursor(window)[1]
  end
  return math.max(vim.api.nvim_buf_get_mark(buf, '"')[1], 1)
end

--- The lines that are selected, where a map runs the command from within visual mode (`<Cmd>VivekAsk<CR>`),
--- which hands over no range.
---@return [integer, integer]?
function M.selected()
  if vim.api.nvim_get_mode().mode:find('^[vV\22]') then
    return { vim.fn.line('v'), vim.fn.line('.') }
  end
end

--- The diagnostics of some lines, or else the nearest to the cursor; the gravest first.
---@param buf integer
---@param cursor integer
---@param range? [integer, integer]
---@param most integer
---@return vivek.CapturedDiagnostic[]
local function diagnostics(buf, cursor, range, most)
  local found = vim.tbl_filter(function(item)
    local inside = not range or (item.lnum + 1 >= range[1] and item.lnum + 1 <= range[2])
    return inside and item.namespace ~= OURS
  end, vim.diagnostic.get(buf))
  table.sort(found, function(a, b)
    local near, far = math.abs(a.lnum + 1 - cursor), math.abs(b.lnum + 1 - cursor)
    if range or near == far then
      return a.severity < b.severity or (a.severity == b.severity and a.lnum < b.lnum)
    end
    return near < far
  end)
  return vim.tbl_map(function(item)
    return {
      line = item.lnum + 1,
      message = item.message,
      severity = SEVERITIES[item.severity],
      source = item.source or '',
    }
  end, vim.list_slice(found, 1, most))
end

---@class vivek.Unsaved
---@field path string
---@field lines string[]
---@field eol boolean

--- The files that are changed in a buffer and not written.
---@param but integer a buffer to leave out
---@return vivek.Unsaved[]
function M.unsaved(but)
  local found = {}
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local path = vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].modified and M.path(buf) or ''
    if buf ~= but and path ~= '' then
      found[#found + 1] = { path = path, lines = M.lines(buf), eol = M.eol(buf) }
    end
  end
  return found
end

---@param buf integer
---@param range? [integer, integer] first and last line of a selection, 1-based, in any order
---@param most? integer diagnostics
---@return vivek.Snapshot
function M.snapshot(buf, range, most)
  local lines = M.lines(buf)
  local cursor = math.min(M.cursor(buf), math.max(#lines, 1))
  if range then
    local first, last = math.min(range[1], range[2]), math.max(range[1], range[2])
    range = { math.max(first, 1), math.min(last, math.max(#lines, 1)) }
  end
  return {
    path = M.path(buf),
    buffer = M.identity(buf),
    filetype = vim.bo[buf].filetype,
    lines = lines,
    eol = M.eol(buf),
    selection = range ~= nil,
    first = range and range[1],
    last = range and range[2],
    cursor = cursor,
    diagnostics = diagnostics(buf, cursor, range, most or MOST_DIAGNOSTICS),
    cwd = literal(vim.fn.getcwd()),
  }
end

return M
