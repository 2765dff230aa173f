--- The runs: which buffer each belongs to, the text that its edits are made for, and where the lines that it
--- is about are now.
---
--- It bridges the id that every event carries and what is known of that run here. A run that has ended is
--- kept for follow-ups, without the text. What it doesn't do: begin, stop or show a run.

local hunks = require('vivek.hunks')
local text = require('vivek.text')

local M = {}

---@class vivek.Run
---@field id string
---@field follower vivek.Follower what is done with its events
---@field buf integer the source buffer
---@field path string
---@field base string[] the lines that the edits are made for, as Neovim holds them; none once it has ended
---@field eol boolean
---@field asked? string[] the lines that were asked about, where they are not the buffer's: a proposal's
---@field instruction string
---@field seen string[] runs whose hunks were open at the ask
---@field follows? string the run whose proposal it works on
---@field into_tests? boolean whether its tests are proposed in a file of tests
---@field vertical? boolean whether that opens in a window beside the source
---@field running boolean
---@field stopping? boolean whether the user has stopped it
---@field heard? boolean whether an event of it has come
---@field proposed? boolean whether it came to hunks
---@field mark? integer extmark over its lines, or over the line of the cursor until they are known
---@field aimed boolean whether they are known

local NAMESPACE = vim.api.nvim_create_namespace('vivek_runs')

---@type table<string, vivek.Run>
local by_id = {}
---@type vivek.Run[] in the order of their begin
local order = {}

---@param run vivek.Run
---@return vivek.Run
function M.add(run)
  by_id[run.id] = run
  table.insert(order, run)
  return run
end

---@param id string
---@return vivek.Run?
function M.get(id)
  return by_id[id]
end

--- The runs at work, the latest last.
---@param buf? integer of this buffer alone
---@return vivek.Run[]
function M.at_work(buf)
  return vim.tbl_filter(function(run)
    return run.running and run.buf == (buf or run.buf)
  end, order)
end

--- The runs of a buffer that have ended, the one that began last comes last.
---@param buf integer
---@return vivek.Run[]
function M.ended(buf)
  return vim.tbl_filter(function(run)
    return not run.running and run.buf == buf
  end, order)
end

--- Mark lines, so that they are known after the text around them has changed.
---@param run vivek.Run
---@param first integer 1-based
---@param last integer inclusive
local function mark_lines(run, first, last)
  local count = vim.api.nvim_buf_line_count(run.buf)
  first = math.max(math.min(first, count), 1)
  run.mark = vim.api.nvim_buf_set_extmark(run.buf, NAMESPACE, first - 1, 0, {
    id = run.mark,
    end_row = math.min(math.max(last, first), count),
    end_col = 0,
    strict = false,
  })
end

--- Until it is known which lines a run is about, they are taken to be at the cursor.
---@param run vivek.Run
---@param line integer
function M.guess(run, line)
  mark_lines(run, line, line)
end

--- Tell which lines a run is about.
---@param run vivek.Run one at work, its buffer loaded
---@param target { first: integer, last: integer } 1-based, inclusive, in the text that was asked about
function M.aim(run, target)
  local first, last = target.first - 1, math.max(target.last, target.first - 1)
  if run.asked then
    first, last = hunks.mapped(first, last, text.diff(run.asked, run.base), true)
  end
  local now = vim.api.nvim_buf_get_lines(run.buf, 0, -1, false)
  first, last = hunks.mapped(first, last, text.diff(run.base, now), false)
  mark_lines(run, first + 1, last)
  run.aimed = true
end

---@param run vivek.Run
---@return [integer, integer]?
local function marked(run)
  if not run.mark or not vim.api.nvim_buf_is_loaded(run.buf) then
    return nil
  end
  local mark = vim.api.nvim_buf_get_extmark_by_id(run.buf, NAMESPACE, run.mark, { details = true })
  if mark[1] then
    return { mark[1] + 1, math.max(mark[3].end_row, mark[1] + 1) }
  end
end

--- The lines that a run is about, where they are now.
---@param run vivek.Run
---@return [integer, integer]? range nil where they are not known
function M.lines(run)
  return run.aimed and marked(run) or nil
end

--- The run at work on a line of a buffer; of several, the latest.
---@param buf integer
---@param line integer 1-based
---@return vivek.Run?
function M.at(buf, line)
  return vim.iter(M.at_work(buf)):rev():find(function(run)
    local range = marked(run)
    return range and range[1] <= line and line <= range[2]
  end)
end

--- Nothing is kept of a run.
---@param run vivek.Run
function M.forget(run)
  by_id[run.id] = nil
  order = vim.tbl_filter(function(other)
    return other ~= run
  end, order)
  if run.mark and vim.api.nvim_buf_is_valid(run.buf) then
    vim.api.nvim_buf_del_extmark(run.buf, NAMESPACE, run.mark)
  end
end

--- A run is over. Where its buffer is gone, there is nothing to follow up.
---@param run vivek.Run
function M.finish(run)
  run.running, run.base, run.asked = false, {}, nil
  if not vim.api.nvim_buf_is_valid(run.buf) then
    M.forget(run)
  end
end

return M
