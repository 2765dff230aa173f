--- The report of a review: a buffer in Markdown beside the source, one for each source buffer.
---
--- It bridges findings and a window in which they are read: <CR> jumps to what a line is about, and what is
--- too unsure is folded away. What it doesn't do: know what is worth saying.

local beside = require('vivek.beside')
local highlight = require('vivek.highlight')
local message = require('vivek.message')
local pages = require('vivek.review.page')
local report = require('vivek.report')

local M = {}

---@class vivek.ReviewReport
---@field buf integer
---@field source integer
---@field told vivek.ReviewTold
---@field doing vivek.Doing
---@field page vivek.ReviewPage

---@type table<integer, vivek.ReviewReport> by report buffer
local reports = {}

local FOLDED = {
  foldenable = true,
  foldmethod = 'expr',
  foldexpr = "v:lua.require'vivek.review.report'.fold_level()",
  foldtext = "v:lua.require'vivek.review.report'.fold_text()",
  foldlevel = 0,
  conceallevel = 2,
  cursorline = true,
}

---@param source integer
---@return vivek.ReviewReport?
local function of(source)
  for _, one in pairs(reports) do
    if one.source == source then
      return one
    end
  end
end

--- Whether a line is folded away: for 'foldexpr'.
---@return integer
function M.fold_level()
  local one = reports[vim.api.nvim_get_current_buf()]
  local fold = one and one.page.fold
  return fold and fold[1] <= vim.v.lnum and vim.v.lnum <= fold[2] and 1 or 0
end

--- What stands in the place of the folded lines: for 'foldtext'.
---@return string
function M.fold_text()
  return '+-- folded away: zo opens, zc closes '
end

---@param source integer
---@return string
local function name_of(source)
  local path = vim.api.nvim_buf_get_name(source)
  return 'vivek://review/' .. (path ~= '' and path or ('buffer-%d'):format(source))
end

---@param buf integer
local function highlight_markdown(buf)
  if not pcall(vim.treesitter.start, buf, 'markdown') then
    vim.bo[buf].syntax = 'markdown'
  end
end

---@param source integer
---@return vivek.ReviewReport
local function create(source)
  local name = name_of(source)
  local left = vim.fn.bufnr(vim.fn.fnameescape(name))
  if left ~= -1 then
    -- The report on a buffer that was closed and opened again.
    vim.api.nvim_buf_delete(left, { force = true })
  end
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buf, name)
  local options = vim.bo[buf]
  options.buftype, options.bufhidden, options.swapfile, options.undolevels = 'nofile', 'hide', false, -1
  options.modifiable = false
  -- Before the file type, so that a map of the user's for it wins.
  vim.keymap.set('n', '<CR>', M.jump, { buffer = buf, desc = 'Vivek: Go to the finding' })
  options.filetype = 'vivekreview'
  highlight_markdown(buf)
  local page = { lines = {}, parts = {} }
  local told = { name = '', filetype = '', notices = {} }
  local one = { buf = buf, source = source, told = told, doing = report.STARTING, page = page }
  reports[buf] = one
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      reports[buf] = nil
    end,
  })
  return one
end

---@param one vivek.ReviewReport
local function show_bar(one)
  beside.bar(one.buf, function()
    return one.doing.text
  end)
end

--- Put lines into the buffer, those alone that are new: the cursor and the folds of the others stay.
---@param buf integer
---@param lines string[]
local function write(buf, lines)
  local old = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local first, shorter = 0, math.min(#old, #lines)
  while first < shorter and old[first + 1] == lines[first + 1] do
    first = first + 1
  end
  local same = 0
  while same < shorter - first and old[#old - same] == lines[#lines - same] do
    same = same + 1
  end
  if first == #old and first == #lines then
    return
  end
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, first, #old - same, false, vim.list_slice(lines, first + 1, #lines - same))
  vim.bo[buf].modifiable = false
end

---@param page vivek.ReviewPage
---@param line integer
---@return vivek.ReviewPart?
local function part_at(page, line)
  return vim.iter(page.parts):find(function(part)
    return part.first <= line and line <= part.last
  end)
end

--- Where the line of a cursor is in another state of the page: with its finding, or as far from the top.
---@param line integer
---@param old vivek.ReviewPage
---@param new vivek.ReviewPage
---@return integer
local function moved(line, old, new)
  local part = part_at(old, line)
  local same = part
    and part.item
    and vim.iter(new.parts):find(function(other)
      return other.item ~= nil and other.item.finding.key == part.item.finding.key
    end)
  line = same and same.first + math.min(line - part.first, same.last - same.first) or line
  return math.min(line, #new.lines)
end

---@param one vivek.ReviewReport
---@param page vivek.ReviewPage
local function turn(one, page)
  local cursors = {}
  for _, win in ipairs(vim.fn.win_findbuf(one.buf)) do
    cursors[win] = moved(vim.api.nvim_win_get_cursor(win)[1], one.page, page)
  end
  one.page = page
  write(one.buf, page.lines)
  for win, line in pairs(cursors) do
    vim.api.nvim_win_set_cursor(win, { line, 0 })
  end
end

--- Begin the report of a review, and show it in a window.
---@param source integer
---@param name string of the file
function M.open(source, name)
  highlight.setup()
  local one = of(source) or create(source)
  one.doing = report.STARTING
  one.told = { name = name, filetype = vim.bo[source].filetype:match('^[%w_-]+') or '', notices = {} }
  local win = beside.open(one.buf, source, FOLDED)
  if win then
    vim.api.nvim_win_set_cursor(win, { 1, 0 })
  end
  show_bar(one)
end

--- Show what was found.
---@param found vivek.Findings
function M.show(found)
  local one = of(found.buf)
  if one and vim.api.nvim_buf_is_loaded(one.buf) then
    turn(one, pages.of(found, one.told))
  end
end

--- Tell what a review is doing, and what it says of itself.
---@param source integer
---@param event vivek.Event
function M.event(source, event)
  local one = of(source)
  if not one then
    return
  end
  if event.kind == 'start' then
    one.told.model = report.model(event)
  elseif event.kind == 'notice' then
    table.insert(one.told.notices, event.text)
  end
  one.doing = report.doing(event, one.doing)
  show_bar(one)
end

---@param one vivek.ReviewReport
---@return vivek.ReviewPart?
local function part_at_cursor(one)
  return part_at(one.page, vim.api.nvim_win_get_cursor(0)[1])
end

--- The source buffer that a report is about; it may have been closed since.
---@param buf integer
---@return integer? source nil where the buffer is no report
function M.source_of(buf)
  local one = reports[buf]
  return one and one.source
end

--- The finding that the cursor is at, in a report.
---@return vivek.FoundItem? item nil where the current buffer is no report, or the line is about none
function M.item()
  local one = reports[vim.api.nvim_get_current_buf()]
  local part = one and part_at_cursor(one)
  return part and part.item
end

--- The window of a source buffer, the cursor going there. Where none shows it, it gets one.
---@param source integer
---@return boolean shown
local function enter(source)
  local win = vim.fn.bufwinid(source)
  if win ~= -1 then
    vim.api.nvim_set_current_win(win)
    return true
  end
  return pcall(vim.cmd.sbuffer, source)
end

--- Go to what the line of the cursor is about.
function M.jump()
  local one = reports[vim.api.nvim_get_current_buf()]
  local part = one and part_at_cursor(one)
  if not part then
    return message.info('No finding is on this line.')
  end
  local line = part.item and part.item.first or part.line
  if not line then
    return message.warn('The lines of this finding are gone.')
  elseif not vim.api.nvim_buf_is_loaded(one.source) or not enter(one.source) then
    return message.warn('The buffer of this review is closed.')
  end
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { math.min(line, vim.api.nvim_buf_line_count(0)), 0 })
  vim.cmd('normal! ^zv')
end

return M
