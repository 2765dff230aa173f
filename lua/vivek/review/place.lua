--- Where a finding is, and whether its lines still say what was found fault with.
---
--- It bridges a finding and the text as it is: an extmark follows the edits, and where it has lost its lines
--- (the buffer was loaded again, or formatted as a whole), a diff against the reviewed text finds them. What
--- it doesn't do: show anything.

local hunks = require('vivek.hunks')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_finding_lines')

--- Lines as one text in which white space counts for nothing but a border: new indentation is no new text.
---@param lines string[]
---@return string
function M.bare(lines)
  return vim.trim((table.concat(lines, ' '):gsub('%s+', ' ')))
end

---@param buf integer
---@param first integer 1-based
---@param last integer inclusive
---@param item vivek.FoundItem
---@return boolean
local function still_says(buf, first, last, item)
  return M.bare(vim.api.nvim_buf_get_lines(buf, first - 1, last, false)) == item.reviewed
end

---@param buf integer
---@param item vivek.FoundItem
---@return integer? first
---@return integer? last
local function marked(buf, item)
  local mark = item.mark and vim.api.nvim_buf_get_extmark_by_id(buf, NAMESPACE, item.mark, { details = true })
  if mark and mark[1] and mark[3].end_row > mark[1] then
    return mark[1] + 1, mark[3].end_row
  end
end

---@param buf integer
---@param item vivek.FoundItem
---@param first integer
---@param last integer
local function mark(buf, item, first, last)
  item.mark = vim.api.nvim_buf_set_extmark(buf, NAMESPACE, first - 1, 0, {
    id = item.mark,
    end_row = last,
    end_col = 0,
    strict = false,
  })
end

--- Find out where a finding is, and whether it still holds.
---@param buf integer
---@param item vivek.FoundItem
---@param changes fun(): vivek.Region[] from the text that was reviewed to the one that is
---@return boolean moved whether it is elsewhere than before, or holds where it did not
function M.locate(buf, item, changes)
  local before = { item.first, item.last, item.stale }
  local first, last = marked(buf, item)
  item.stale = not (
    first and still_says(buf, first, last --[[@as integer]], item)
  )
  if item.stale then
    local finding = item.finding
    local from, to = hunks.mapped(finding.line - 1, finding.end_line, changes(), false)
    from, to = math.max(from, 0), math.min(to, vim.api.nvim_buf_line_count(buf))
    local is_there = to > from and still_says(buf, from + 1, to, item)
    if is_there or (not item.mark and to > from) then
      mark(buf, item, from + 1, to)
      first, last, item.stale = from + 1, to, not is_there
    end
  end
  item.first, item.last = first, last
  return first ~= before[1] or last ~= before[2] or item.stale ~= before[3]
end

--- A finding is not followed any more.
---@param buf integer
---@param item vivek.FoundItem
function M.erase(buf, item)
  if item.mark and vim.api.nvim_buf_is_valid(buf) then
    vim.api.nvim_buf_del_extmark(buf, NAMESPACE, item.mark)
    item.mark = nil
  end
end

return M
