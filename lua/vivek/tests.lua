--- Tests that a run wrote, proposed in the buffer of the file that they belong in.
---
--- It bridges a run on a source and the hunks of another file: the buffer is loaded and shown beside the
--- source, and written by the user alone. Which file that is, and what goes where in it, the Python side
--- knows.

local capture = require('vivek.capture')
local journal = require('vivek.journal')
local proposals = require('vivek.proposals')
local report = require('vivek.report')
local runs = require('vivek.runs')

local M = {}

---@class vivek.TestFile what the Python side says of it
---@field path string
---@field created boolean whether it is not there yet
---@field base string its text
---@field edits vivek.TextEdit[]
---@field told string what running the tests came to

---@class vivek.Placed where the tests of a run are proposed
---@field buf integer
---@field run string the name of the proposal
---@field hunks integer
---@field text string what the user is told of them, a line each

---@type table<string, vivek.Run> the runs that wrote proposals of tests, by the proposals' names
local writers = {}

--- Load a file's buffer, listed as one that the user has opened.
---@param path string
---@param filetype string of the source, for a name that tells nothing
---@return integer buf
local function load(path, filetype)
  local buf = vim.fn.bufadd(path)
  vim.fn.bufload(buf)
  vim.bo[buf].buflisted = true
  if vim.bo[buf].filetype == '' then
    vim.bo[buf].filetype = vim.filetype.match({ buf = buf }) or filetype
  end
  return buf
end

--- Show a buffer beside the window of a source, as `:split` and the options of splits have it. The cursor
--- stays: the tests come while the user may be typing.
---@param buf integer
---@param source integer
---@param vertical? boolean
---@return boolean shown
local function show_beside(buf, source, vertical)
  if vim.fn.bufwinid(buf) ~= -1 then
    return true
  end
  local split = vim.o.splitbelow and 'below' or 'above'
  if vertical then
    split = vim.o.splitright and 'right' or 'left'
  end
  local win = vim.fn.bufwinid(source)
  return (pcall(vim.api.nvim_open_win, buf, false, { split = split, win = win ~= -1 and win or 0 }))
end

---@param text string
---@return string[] lines
---@return boolean eol
local function split_text(text)
  local lines = vim.split(text, '\n', { plain = true })
  local eol = lines[#lines] == ''
  if eol and #lines > 1 then
    lines[#lines] = nil
  end
  return lines, eol
end

---@param one [integer, integer]?
---@param other [integer, integer]?
---@return boolean
local function meet(one, other)
  return one ~= nil and other ~= nil and one[1] <= other[2] and other[1] <= one[2]
end

--- The open proposals of tests for the same lines: what is asked for again takes their place.
---@param buf integer
---@param run vivek.Run
---@return string[]
local function earlier(buf, run)
  return vim.tbl_filter(function(id)
    local writer = writers[id]
    return writer and writer.buf == run.buf and meet(runs.lines(writer), runs.lines(run)) or false
  end, proposals.open_runs(buf))
end

---@param buf integer
---@param file vivek.TestFile
---@param shown boolean
---@return string
local function told(buf, file, shown)
  local parts = { file.told }
  local folder = vim.fs.dirname(file.path)
  if not shown then
    parts[#parts + 1] = (':sbuffer %d shows them.'):format(buf)
  end
  if not vim.uv.fs_stat(folder) then
    local name = vim.fn.fnamemodify(folder, ':~:.')
    parts[#parts + 1] = ('The folder %s is not there yet: `:write ++p` makes it.'):format(name)
  end
  return table.concat(parts, '\n')
end

--- Propose the tests of a run in the buffer of their file.
---@param run vivek.Run
---@param file vivek.TestFile
---@param on_change fun(placed: vivek.Placed) called after hunks have changed their state
---@return vivek.Placed
function M.propose(run, file, on_change)
  local buf = load(file.path, vim.bo[run.buf].filetype)
  local id = run.id .. '-tests'
  local placed = { buf = buf, run = id, hunks = #file.edits, text = file.told }
  if #file.edits == 0 then
    return placed
  end
  local base, eol = split_text(file.base)
  journal.begin({
    id = id,
    path = capture.path(buf),
    buffer = capture.identity(buf),
    filetype = vim.bo[buf].filetype,
    instruction = run.instruction,
    base = base,
    eol = eol,
  })
  journal.propose(id, { edits = file.edits })
  journal.finish(id, { kind = 'done', text = report.counted(#file.edits, 'hunk') })
  local replaces = earlier(buf, run)
  writers[id] = run
  placed.text = told(buf, file, show_beside(buf, run.buf, run.vertical))
  proposals.show(buf, id, base, file.edits, {
    eol = eol,
    label = run.instruction,
    replaces = replaces,
    on_change = function()
      on_change(placed)
    end,
  })
  return placed
end

return M
