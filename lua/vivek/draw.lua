--- Draws hunks into the windows of a buffer with extmarks: removed lines highlighted, added lines as virtual
--- lines, the words that changed marked in both.
---
--- It bridges located hunks and the screen. It decides nothing, and the extmarks are never read for a
--- position.

local text = require('vivek.text')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_proposal')
-- Above tree-sitter (100) and semantic tokens (125 to 127).
local LINE_PRIORITY, WORD_PRIORITY = 190, 200
local ADDED = { line = 'VivekAdd', words = 'VivekAddText', pad = true }
local STALE = { line = 'VivekStaleText', words = 'VivekStaleText', pad = true }
-- Between the parts of a note.
local NOTE_SEPARATOR = ' · '
local SCROLLS = vim.fn.has('nvim-0.11') == 1

---@alias vivek.Chunk { [1]: string, [2]: string }

---@class vivek.View how the windows show a buffer
---@field width integer columns of text in the widest one
---@field wrap integer? columns of text in the narrowest one that wraps
---@field tabstop integer
---@field beside boolean? whether a diff view shows the pending hunks: virtual lines would put its lines apart

--- What drawing must know of the windows that show a buffer.
---@param buf integer
---@return vivek.View
function M.view(buf)
  local view = { width = 0, tabstop = vim.bo[buf].tabstop }
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local info = vim.fn.getwininfo(win)[1]
    local width = math.max(info.width - info.textoff, 1)
    view.width = math.max(view.width, width)
    if vim.wo[win].wrap then
      view.wrap = math.min(view.wrap or width, width)
    end
  end
  if view.width == 0 then
    view.width = vim.o.columns
  end
  return view
end

--- A part of a line as it is displayed: tabs as blanks, control characters and stray bytes as Vim shows them.
---@param part string
---@param column integer display column that it starts at
---@param tabstop integer
---@return string
function M.displayed(part, column, tabstop)
  if not part:find('[%c\127-\255]') then
    return part
  end
  local shown = {}
  for stretch, tab in part:gmatch('([^\t]*)(\t?)') do
    stretch = vim.fn.strtrans(stretch:find('%z') and stretch:gsub('%z', '\n') or stretch)
    column = column + vim.api.nvim_strwidth(stretch)
    shown[#shown + 1] = stretch
    if tab ~= '' then
      local blanks = tabstop - column % tabstop
      column = column + blanks
      shown[#shown + 1] = (' '):rep(blanks)
    end
  end
  return table.concat(shown)
end

---@param line string
---@param spans vivek.Span[]
---@param group string
---@param span_group string
---@param tabstop integer
---@return vivek.Chunk[]
---@return integer width
local function chunks_of(line, spans, group, span_group, tabstop)
  local chunks, column, done = {}, 0, 0
  local function add(last, name)
    if last > done then
      local shown = M.displayed(line:sub(done + 1, last), column, tabstop)
      column = column + vim.api.nvim_strwidth(shown)
      chunks[#chunks + 1] = { shown, name }
      done = last
    end
  end
  for _, span in ipairs(spans) do
    add(span.first, group)
    add(span.last, span_group)
  end
  add(#line, group)
  return chunks, column
end

--- The longest beginning of a string that fits in some columns; at least one character.
---@param shown string
---@param room integer
---@return integer bytes
---@return integer width
local function fitting(shown, room)
  local bytes, width = 0, 0
  while bytes < #shown do
    local length = text.char_length(shown, bytes + 1)
    local cells = vim.api.nvim_strwidth(shown:sub(bytes + 1, bytes + length))
    if width + cells > room and bytes > 0 then
      break
    end
    bytes, width = bytes + length, width + cells
    if width > room then
      break
    end
  end
  return bytes, width
end

--- Cut a line of chunks in rows, as 'wrap' does with a real line.
---@param chunks vivek.Chunk[]
---@param limit integer
---@return vivek.Chunk[][]
---@return integer width of the last row
local function wrapped(chunks, limit)
  local rows, room = { {} }, limit
  for _, chunk in ipairs(chunks) do
    local rest, group = chunk[1], chunk[2]
    while rest ~= '' do
      if room <= 0 then
        rows[#rows + 1], room = {}, limit
      end
      local bytes, width = #rest, vim.api.nvim_strwidth(rest)
      if width > room then
        bytes, width = fitting(rest, room)
        if width > room and room < limit then
          bytes, room = 0, 0
        end
      end
      if bytes > 0 then
        table.insert(rows[#rows], { rest:sub(1, bytes), group })
        rest, room = rest:sub(bytes + 1), room - width
      end
    end
  end
  return rows, limit - room
end

---@param lines string[]
---@param spans table<integer, vivek.Span[]> by line, 1-based
---@param view vivek.View
---@param groups { line: string, words: string, pad: boolean }
---@return vivek.Chunk[][]
local function virtual_lines(lines, spans, view, groups)
  local rows = {}
  for index, line in ipairs(lines) do
    local chunks, width = chunks_of(line, spans[index] or {}, groups.line, groups.words, view.tabstop)
    local pieces = { chunks }
    if view.wrap and width > view.wrap then
      pieces, width = wrapped(chunks, view.wrap)
    end
    if groups.pad or width == 0 then
      table.insert(pieces[#pieces], { (' '):rep(math.max(view.width - width, 1)), groups.line })
    end
    vim.list_extend(rows, pieces)
  end
  return rows
end

--- The changed words of a hunk, line by line, where old and new lines can be paired.
---@param hunk { old: string[], new: string[] }
---@return table<integer, vivek.Span[]> removed by line of `old`, 1-based
---@return table<integer, vivek.Span[]> added by line of `new`, 1-based
function M.changed_words(hunk)
  local removed, added = {}, {}
  for _, region in ipairs(text.aligned(hunk.old, hunk.new)) do
    for offset = 1, math.min(region.count, region.added) do
      local old, new = region.start + offset, region.to + offset
      removed[old], added[new] = text.changed_words(hunk.old[old], hunk.new[new])
    end
  end
  return removed, added
end

---@class vivek.Marks the extmarks of one hunk
---@field buf integer
---@field namespace integer
---@field row integer where the hunk was when they were set
---@field extents table<integer, vivek.MarkExtent> where each was put, by its id

---@class vivek.MarkExtent
---@field row integer
---@field column integer
---@field end_row integer?
---@field end_column integer?

---@param marks vivek.Marks
---@param row integer
---@param column integer
---@param options vim.api.keyset.set_extmark
local function mark(marks, row, column, options)
  options.strict, options.undo_restore = false, false
  local id = vim.api.nvim_buf_set_extmark(marks.buf, marks.namespace, row, column, options)
  local end_column = options.end_col
  local end_row = end_column and (options.end_row or row)
  marks.extents[id] = { row = row, column = column, end_row = end_row, end_column = end_column }
end

---@param marks vivek.Marks
---@param row integer the line below which they are drawn, -1 for the top of the buffer
---@param lines vivek.Chunk[][]
local function mark_virtual_lines(marks, row, lines)
  if #lines == 0 then
    return
  end
  local options = { virt_lines = lines, virt_lines_above = row < 0, priority = LINE_PRIORITY }
  if SCROLLS then
    options.virt_lines_overflow = 'scroll'
  end
  mark(marks, math.max(row, 0), 0, options)
end

---@param marks vivek.Marks
---@param place vivek.Place
---@param group string
local function mark_lines(marks, place, group)
  if #place.old == 0 then
    return
  end
  mark(marks, place.row, 0, {
    end_row = place.row + #place.old,
    end_col = 0,
    hl_group = group,
    hl_eol = true,
    priority = LINE_PRIORITY,
  })
end

---@param marks vivek.Marks
---@param row integer
---@param removed table<integer, vivek.Span[]>
local function mark_words(marks, row, removed)
  for index, spans in pairs(removed) do
    for _, span in ipairs(spans) do
      mark(marks, row + index - 1, span.first, {
        end_col = span.last,
        hl_group = 'VivekDeleteText',
        priority = WORD_PRIORITY,
      })
    end
  end
end

--- Cut a note in rows that fit, between its parts where that is possible.
---@param note vivek.Chunk
---@param limit integer
---@return vivek.Chunk[][]
local function note_rows(note, limit)
  local rows = {}
  for part in vim.gsplit(note[1], NOTE_SEPARATOR, { plain = true }) do
    local longer = #rows > 0 and rows[#rows] .. NOTE_SEPARATOR .. part
    if longer and vim.api.nvim_strwidth(longer) <= limit then
      rows[#rows] = longer
    else
      rows[#rows + 1] = part
    end
  end
  local cut = {}
  for _, row in ipairs(rows) do
    vim.list_extend(cut, (wrapped({ { row, note[2] } }, limit)))
  end
  return cut
end

--- What to say beside a hunk's first line goes below the hunk where there is no room for it.
---@param marks vivek.Marks
---@param row integer
---@param note vivek.Chunk
---@param view vivek.View
---@return vivek.Chunk[][] below
local function mark_note(marks, row, note, view)
  local line = vim.api.nvim_buf_get_lines(marks.buf, row, row + 1, false)[1] or ''
  local room = view.wrap or view.width
  local width = vim.api.nvim_strwidth(M.displayed(line, 0, view.tabstop))
  if width + vim.api.nvim_strwidth(note[1]) + 1 > room then
    return note_rows(note, room)
  end
  mark(marks, row, 0, { virt_text = { note }, virt_text_pos = 'eol', priority = WORD_PRIORITY })
  return {}
end

--- Draw a hunk; of one that conflicts with the user's change both sides.
---@param buf integer
---@param place vivek.Place
---@param view vivek.View
---@param note vivek.Chunk? what to say beside it
---@param namespace integer? of those who draw what is no proposal yet
---@return vivek.Marks
function M.hunk(buf, place, view, note, namespace)
  local marks = { buf = buf, namespace = namespace or NAMESPACE, row = place.row, extents = {} }
  local below = note and mark_note(marks, M.first_row(place), note, view) or {}
  local lines
  if view.beside and place.state ~= 'stale' then
    return marks
  elseif place.state == 'stale' then
    mark_lines(marks, place, 'VivekConflict')
    lines = virtual_lines(place.new, {}, view, STALE)
  else
    local removed, added = M.changed_words(place)
    mark_lines(marks, place, 'VivekDelete')
    mark_words(marks, place.row, removed)
    lines = virtual_lines(place.new, added, view, ADDED)
  end
  mark_virtual_lines(marks, M.last_row(place), vim.list_extend(lines, below))
  return marks
end

--- The line (0-based) that stands for a hunk: its first one, or for an insertion the line above it.
---@param place vivek.Place
---@return integer
function M.first_row(place)
  return #place.old > 0 and place.row or math.max(place.row - 1, 0)
end

--- The last line (0-based) of a hunk, below which its new lines are drawn; -1 above the first line of the
--- buffer.
---@param place vivek.Place
---@return integer
function M.last_row(place)
  return place.row + #place.old - 1
end

--- Take away what was drawn.
---@param marks vivek.Marks
function M.erase(marks)
  for id in pairs(marks.extents) do
    vim.api.nvim_buf_del_extmark(marks.buf, marks.namespace, id)
  end
end

--- Whether all that was drawn of a hunk stands where the hunk is now.
---@param marks vivek.Marks
---@param row integer
---@return boolean
function M.is_at(marks, row)
  local shift = row - marks.row
  for id, extent in pairs(marks.extents) do
    -- Where it ends is asked only of those that have an end: to tell all of virtual lines takes long.
    local options = { details = extent.end_row ~= nil }
    local found = vim.api.nvim_buf_get_extmark_by_id(marks.buf, marks.namespace, id, options)
    local details = found[3] or {}
    local stays = found[1] == extent.row + shift and found[2] == extent.column
    local ends = extent.end_row and extent.end_row + shift
    if not stays or details.end_row ~= ends or details.end_col ~= extent.end_column then
      return false
    end
  end
  return true
end

--- Whether something of a hunk is drawn in the lines of another.
---@param buf integer
---@param place vivek.Place
---@return boolean
function M.is_taken(buf, place)
  local first, last = M.first_row(place), math.max(M.last_row(place), 0)
  local options = { details = true, overlap = true }
  local marks = vim.api.nvim_buf_get_extmarks(buf, NAMESPACE, { first, 0 }, { last, -1 }, options)
  return vim.iter(marks):any(function(found)
    local row, details = found[2], found[4]
    return row >= first or details.end_row > first or details.end_col > 0
  end)
end

--- Take away all that is drawn in a buffer.
---@param buf integer
function M.clear(buf)
  vim.api.nvim_buf_clear_namespace(buf, NAMESPACE, 0, -1)
end

--- Bring virtual lines above line 1 on the screen of a window that shows line 1: Neovim draws them only where
--- the window is scrolled to them (its issue 16166).
---@param win integer
---@param count integer
function M.reveal_top(win, count)
  vim.api.nvim_win_call(win, function()
    if vim.fn.winsaveview().topline == 1 then
      vim.fn.winrestview({ topline = 1, topfill = math.min(count, vim.api.nvim_win_get_height(win) - 1) })
    end
  end)
end

--- Put the cursor on a hunk and bring all of it on the screen, folds opened.
---@param win integer
---@param place vivek.Place
function M.go_to(win, place)
  local row = M.first_row(place)
  local above = M.last_row(place) < 0
  vim.api.nvim_win_call(win, function()
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(win, { row + 1, 0 })
    vim.cmd('normal! ^zv')
    local last = math.min(math.max(row, M.last_row(place)) + 1, vim.api.nvim_buf_line_count(0) - 1)
    local top = vim.fn.winsaveview().topline - 1
    local height = vim.api.nvim_win_text_height(win, { start_row = top, end_row = math.max(last, top) }).all
    if height > vim.api.nvim_win_get_height(win) then
      vim.cmd('normal! zt')
    end
  end)
  if above then
    M.reveal_top(win, #place.new)
  end
end

return M
