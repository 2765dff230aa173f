--- The text of a scratch buffer: a section for each run, one below the other, and each grows at its own end.
---
--- It bridges pieces of text that come in any order and a buffer. They are queued and written a few times a
--- second, one change for each section, so a fast model costs no more than a slow one, and a long text no
--- more than a short one. An extmark knows where a section ends, however those above it grow. What it doesn't
--- do: know what the text means.

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_section')
local FLUSH_MS = 40

-- What stands between a section that ends in a newline and the next one. Its blank tells the line from an
-- empty one of a reply: it ends the highlights of code that a section at work has not closed yet.
M.GAP = ' \n'

---@class vivek.Page the text of one scratch buffer
---@field buf integer
---@field sections vivek.Section[] in the order of their begin
---@field timer uv.uv_timer_t?

---@class vivek.Section
---@field run string
---@field page vivek.Page
---@field at_work boolean
---@field mark integer? extmark at its end; nil until something of it is written
---@field queue string[] what is to be written
---@field tail string the last two characters of section and queue
---@field line integer which line of the section, from 0 on, the queue will end in
---@field written integer which line of it the buffer's text ends in
---@field highlights { line: integer, group: string }[] of lines that are to be written

---@param buf integer
---@return vivek.Page
function M.page(buf)
  return { buf = buf, sections = {} }
end

--- Begin a section below all others.
---@param page vivek.Page
---@param run string
---@return vivek.Section
function M.new(page, run)
  local section = {
    run = run,
    page = page,
    at_work = true,
    queue = {},
    tail = '\n\n',
    line = 0,
    written = 0,
    highlights = {},
  }
  table.insert(page.sections, section)
  return section
end

---@param section vivek.Section
---@return integer? row 0-based; nil where nothing of it is in the buffer, which may have been unloaded
---@return integer? column
local function end_of(section)
  if section.mark then
    local place = vim.api.nvim_buf_get_extmark_by_id(section.page.buf, NAMESPACE, section.mark, {})
    return place[1], place[2]
  end
end

--- The section that a line belongs to.
---@param page vivek.Page
---@param row integer 0-based
---@return vivek.Section?
function M.at(page, row)
  local found, nearest
  for _, section in ipairs(page.sections) do
    local last = end_of(section)
    if last and last >= row and last < (nearest or math.huge) then
      found, nearest = section, last
    end
  end
  return found
end

--- The windows that show the end of a section and go on showing it.
---@param buf integer
---@param row integer of that end
---@return integer[]
local function following(buf, row)
  local selecting = vim.api.nvim_get_mode().mode:find('^[vV\22]')
  return vim.tbl_filter(function(win)
    local in_use = selecting and win == vim.api.nvim_get_current_win()
    return not in_use and vim.api.nvim_win_get_cursor(win)[1] == row + 1
  end, vim.fn.win_findbuf(buf))
end

--- The windows that go along to a new section: those at the end of a section that is over, and where no other
--- is at work, all that nobody reads in.
---@param section vivek.Section
---@param row integer of the end of the buffer
---@return integer[]
local function going_along(section, row)
  local page = section.page
  local above = M.at(page, row)
  local at_end = above and above.at_work and {} or following(page.buf, row)
  local is_alone = not vim.iter(page.sections):any(function(other)
    return other ~= section and other.at_work
  end)
  return vim.tbl_filter(function(win)
    return vim.list_contains(at_end, win) or (is_alone and win ~= vim.api.nvim_get_current_win())
  end, vim.fn.win_findbuf(page.buf))
end

--- Insert text. A cursor in its first line stays there: Neovim would push it along.
---@param buf integer
---@param row integer
---@param column integer
---@param lines string[]
local function insert(buf, row, column, lines)
  local cursors = {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local cursor = vim.api.nvim_win_get_cursor(win)
    cursors[win] = cursor[1] == row + 1 and cursor or nil
  end
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_text(buf, row, column, row, column, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  for win, cursor in pairs(cursors) do
    vim.api.nvim_win_set_cursor(win, cursor)
  end
end

--- Make room for a section at the end of the buffer.
---@param section vivek.Section
---@return integer row
---@return integer column
---@return integer[] followers windows that go along
local function open(section)
  local page = section.page
  local row = vim.api.nvim_buf_line_count(page.buf) - 1
  local line = vim.api.nvim_buf_get_lines(page.buf, row, row + 1, true)[1]
  local followers = going_along(section, row)
  if row == 0 and line == '' then
    return 0, 0, followers
  end
  local gap = vim.split((line == '' and '' or '\n') .. M.GAP, '\n', { plain = true })
  insert(page.buf, row, #line, gap)
  return row + #gap - 1, 0, followers
end

--- Between two sections there is one blank line, whether the upper one ends in a newline or not. Where that
--- changes, a newline is shared with the gap, so that what is below stays where it is.
---@param lines string[]
---@param column integer 0 where the section ends in a newline now
---@return string[]
local function beside_gap(lines, column)
  local ended, ends = column == 0, lines[#lines] == ''
  if ended and not ends then
    return vim.list_extend(vim.list_slice(lines), { '' })
  elseif ends and not ended then
    return vim.list_slice(lines, 1, #lines - 1)
  end
  return lines
end

---@param section vivek.Section
---@param row integer of the line that it ended in before
local function highlight(section, row)
  for _, wanted in ipairs(section.highlights) do
    local at = row + wanted.line - section.written
    vim.api.nvim_buf_set_extmark(section.page.buf, NAMESPACE, at, 0, {
      end_row = at + 1,
      hl_group = wanted.group,
      strict = false,
    })
  end
  section.highlights = {}
end

---@param section vivek.Section
local function write_queue(section)
  local buf = section.page.buf
  local text = table.concat(section.queue)
  section.queue = {}
  local row, column = end_of(section)
  local followers
  if row then
    followers = following(buf, row)
  else
    row, column, followers = open(section)
  end
  local lines = vim.split(text, '\n', { plain = true })
  local is_last = row == vim.api.nvim_buf_line_count(buf) - 1
  insert(buf, row, column, is_last and lines or beside_gap(lines, column))
  local last = row + #lines - 1
  section.mark =
    vim.api.nvim_buf_set_extmark(buf, NAMESPACE, last, (#lines == 1 and column or 0) + #lines[#lines], {
      id = section.mark,
      -- What the next section begins with is not this one's.
      right_gravity = false,
    })
  for _, win in ipairs(followers) do
    vim.api.nvim_win_set_cursor(win, { last + 1, 0 })
  end
  highlight(section, row)
  section.written = section.line
end

--- Write what is queued.
---@param page vivek.Page
function M.flush(page)
  if page.timer then
    page.timer:close()
    page.timer = nil
  end
  local is_loaded = vim.api.nvim_buf_is_loaded(page.buf)
  for _, section in ipairs(page.sections) do
    if not is_loaded then
      section.queue, section.highlights, section.written = {}, {}, section.line
    elseif #section.queue > 0 then
      write_queue(section)
    end
  end
end

---@param page vivek.Page
local function flush_soon(page)
  if not page.timer then
    page.timer = assert(vim.uv.new_timer())
    page.timer:start(
      FLUSH_MS,
      0,
      vim.schedule_wrap(function()
        M.flush(page)
      end)
    )
  end
end

--- Append text.
---@param section vivek.Section
---@param text string
function M.write(section, text)
  if text == '' then
    return
  end
  table.insert(section.queue, text)
  section.tail = (section.tail .. text:sub(-2)):sub(-2)
  section.line = section.line + select(2, text:gsub('\n', ''))
  flush_soon(section.page)
end

--- Go on below one empty line.
---@param section vivek.Section
function M.paragraph(section)
  if section.tail:sub(-1) ~= '\n' then
    M.write(section, '\n\n')
  elseif section.tail ~= '\n\n' then
    M.write(section, '\n')
  end
end

--- Append a line of its own.
---@param section vivek.Section
---@param text string its own newlines become blanks
---@param group string? highlight group
function M.write_line(section, text, group)
  if group then
    table.insert(section.highlights, { line = section.line, group = group })
  end
  M.write(section, text:gsub('%s*\n%s*', ' ') .. '\n')
end

--- Nothing more comes for a section: the windows that followed it, but for one that is being read, go to the
--- oldest one still at work.
---@param section vivek.Section
function M.finish(section)
  local page = section.page
  section.at_work = false
  M.flush(page)
  if not vim.api.nvim_buf_is_loaded(page.buf) then
    return
  end
  local row = end_of(section)
  local next_one = vim.iter(page.sections):find(function(other)
    return other.at_work and end_of(other) ~= nil
  end)
  if not row or not next_one then
    return
  end
  for _, win in ipairs(following(page.buf, row)) do
    if win ~= vim.api.nvim_get_current_win() then
      vim.api.nvim_win_set_cursor(win, { end_of(next_one) + 1, 0 })
    end
  end
end

return M
