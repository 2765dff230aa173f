--- Keys that `.` repeats, and the text object of a hunk.
---
--- It bridges the <Plug> maps and what can be done with hunks. An operator whose motion stays where it is is
--- what Neovim repeats, with its count: the number of hunks. What it doesn't do: know keys.

local message = require('vivek.message')
local proposals = require('vivek.proposals')
local sources = require('vivek.sources')

local M = {}

---@class vivek.Origin what an operator takes from its window before it runs
---@field cursor integer[] line, column, offset beyond the line's end, wanted column
---@field marks table<string, [integer, integer]>

---@type vivek.Origin?
local origin

--- The motion: remember where it was made. A closed fold would take the cursor to its first line, and the
--- operator itself sets '[ and '].
function M.stay()
  origin = { cursor = vim.list_slice(vim.fn.getcurpos(), 2), marks = {} }
  for _, name in ipairs({ '[', ']' }) do
    origin.marks[name] = vim.api.nvim_buf_get_mark(0, name)
  end
end

local function return_to_origin()
  if origin then
    vim.fn.cursor(origin.cursor)
    for name, position in pairs(origin.marks) do
      vim.api.nvim_buf_set_mark(0, name, position[1], position[2], {})
    end
    origin = nil
  end
end

---@param run fun(buf: integer, choice: vivek.Choice)
---@param all? boolean
---@return fun() operator
local function operator(run, all)
  return function()
    local choice = { all = all, count = vim.v.count1 }
    return_to_origin()
    run(sources.current(), choice)
  end
end

M.apply = operator(proposals.apply)
M.reject = operator(proposals.reject)
M.apply_all = operator(proposals.apply, true)
M.reject_all = operator(proposals.reject, true)

--- The keys that run an operator and make it the one that `.` repeats, for a map of kind <expr>.
---@param name 'apply'|'reject'|'apply_all'|'reject_all'
---@return string
function M.keys(name)
  vim.go.operatorfunc = ("v:lua.require'vivek.operator'.%s"):format(name)
  return "g@<Cmd>lua require('vivek.operator').stay()<CR>"
end

--- Go to a hunk as a motion: where there is none, the operator that waits for it is given up.
---@param name 'next'|'prev'
function M.go(name)
  local source = sources.current()
  if #proposals.open_runs(source) == 0 then
    return message.abort('no hunks are proposed here.')
  end
  proposals[name](source, vim.v.count1)
end

--- The hunk that a line belongs to, rather one that is open than one that was applied; a hunk that only adds
--- lines belongs to the line above them.
---@param row integer 1-based
---@return vivek.HunkInfo?
local function hunk_at(row)
  local best, rank = nil, 0
  for _, hunk in ipairs(proposals.hunks(0)) do
    local first, last = hunk.first or 0, hunk.last or -1
    local worth = 0
    if first <= row and row <= last then
      worth = hunk.state == 'applied' and 2 or 3
    elseif last == first - 1 and row == math.max(last, 1) then
      worth = 1
    end
    if worth > rank then
      best, rank = hunk, worth
    end
  end
  return best
end

--- Select the lines of the hunk under the cursor: those that it replaces, or once it is applied those that
--- it brought. Where there are none, an operator that waits for them is given up.
function M.select()
  local hunk = hunk_at(vim.api.nvim_win_get_cursor(0)[1])
  if not hunk then
    return message.abort('no line of a hunk is under the cursor.')
  elseif hunk.last < hunk.first then
    local what = hunk.state == 'applied' and 'hunk %d took lines away: there are none to select.'
      or 'hunk %d only adds lines: there are none to select before it is applied.'
    return message.abort(what:format(hunk.id))
  end
  local mode = vim.api.nvim_get_mode().mode
  local visual = mode:find('^[vV\22]') ~= nil
  vim.api.nvim_win_set_cursor(0, { hunk.first, 0 })
  vim.cmd.normal({ visual and 'o' or 'V', bang = true })
  vim.api.nvim_win_set_cursor(0, { hunk.last, 0 })
  if visual and mode ~= 'V' then
    vim.cmd.normal({ 'V', bang = true })
  end
end

return M
