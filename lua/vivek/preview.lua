--- Shows what a model is writing at the lines that it is about, as hunks that cannot be applied yet.
---
--- It bridges the pieces of a reply and the windows that show the buffer. Where the lines are is found anew
--- whenever it draws, from the text at the ask and the text as it is; what is drawn is never read. Each run
--- has a preview of its own, which ends with the run. What it doesn't do: change the text, or judge the code.

local config = require('vivek.config')
local draft = require('vivek.draft')
local draw = require('vivek.draw')
local highlight = require('vivek.highlight')
local hunks = require('vivek.hunks')
local indent = require('vivek.indent')
local panes = require('vivek.panes')
local partial = require('vivek.partial')
local report = require('vivek.report')
local text = require('vivek.text')
local watch = require('vivek.watch')

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('vivek_preview')
local given = report.given
-- It is drawn no more often than this, and where drawing takes long so seldom that it has a small share of
-- the time: keys come first.
local INTERVAL_MS, LONGEST_MS, SHARE = 80, 1000, 0.1
-- Lines of code to look at in one go; there are more only where the buffer was out of sight for a while.
local MOST_LINES = 400

---@class vivek.PreviewPlace
---@field row integer
---@field old string[] the lines that are there now
---@field new string[] as many of the new ones as there is room for
---@field above integer how many come before these and are left out
---@field rows integer on the screen

---@class vivek.DrawnPreview
---@field marks vivek.Marks
---@field place vivek.PreviewPlace
---@field looks string

---@class vivek.Preview
---@field run string
---@field event vivek.Event what began it
---@field buf integer
---@field base string[] the text at the ask
---@field first integer the line of it that the code takes the place of, or goes in front of
---@field ending string what lines end in besides the newline: "\r" in a text of mixed line ends
---@field pieces string[] of the reply, not looked at yet
---@field partial vivek.Partial
---@field indent vivek.Indent
---@field draft vivek.Draft
---@field taken integer how many lines of code the draft has
---@field writing boolean
---@field tick integer? the changedtick that `moved` is for
---@field moved vivek.Region[] what the user changed since the ask
---@field drawn vivek.DrawnPreview[]
---@field timer uv.uv_timer_t
---@field due boolean whether the timer runs
---@field pause number ms before it is drawn again
---@field unwatch fun()

---@type table<string, vivek.Preview> by run
local previews = {}

---@param lines string[]
---@param from integer 1-based
---@param to integer
---@param by 1|-1
---@return integer? index of the first line that is not blank
local function filled(lines, from, to, by)
  for index = from, to, by do
    if lines[index]:find('%S') then
      return index
    end
  end
end

--- The lines of the base text that the code takes the place of. Blank lines around them stay, and in an empty
--- buffer its one line goes.
---@param run vivek.Run
---@param target { first: integer, last: integer } 1-based, inclusive, in the text that was asked about
---@return integer first 0-based
---@return integer last exclusive
local function range_of(run, target)
  local base, first, last = run.base, target.first - 1, math.max(target.last, target.first - 1)
  if run.asked then
    first, last = hunks.mapped(first, last, text.diff(run.asked, base), true)
  end
  first, last = math.min(first, #base), math.min(last, #base)
  if #base == 1 and base[1] == '' then
    return 0, 1
  end
  local top = filled(base, first + 1, last, 1)
  if not top then
    return first, last
  end
  return top - 1, filled(base, last, first + 1, -1) --[[@as integer]]
end

---@param run vivek.Run
---@param first integer
---@param last integer
---@param old string[]
---@return vivek.Indent
local function indent_of(run, first, last, old)
  if filled(old, 1, #old, 1) then
    return indent.new(old)
  end
  local above, below = filled(run.base, first, 1, -1), filled(run.base, last + 1, #run.base, 1)
  local options = vim.bo[run.buf]
  local width = options.shiftwidth > 0 and options.shiftwidth or options.tabstop
  local level = options.expandtab and (' '):rep(width) or '\t'
  return indent.between(run.base[above] or '', run.base[below] or '', level)
end

--- The lines as a model sees them, and what they end in besides the newline.
---@param lines string[]
---@return string[]
---@return string ending
local function without_returns(lines)
  local count = 0
  local bare = vim.tbl_map(function(line)
    local shown, found = line:gsub('\r+$', '')
    count = count + found
    return shown
  end, lines)
  return bare, 2 * count > #lines and '\r' or ''
end

---@param preview vivek.Preview
---@param from integer the first of those that go
local function erase(preview, from)
  for index = #preview.drawn, from, -1 do
    if vim.api.nvim_buf_is_valid(preview.buf) then
      draw.erase(preview.drawn[index].marks)
    end
    preview.drawn[index] = nil
  end
end

--- End the preview of a run: nothing of it stays.
---@param run string
function M.clear(run)
  local preview = previews[run]
  if preview then
    previews[run] = nil
    preview.timer:close()
    preview.unwatch()
    erase(preview, 1)
  end
end

--- Take the lines that the reply has come to into the draft.
---@param preview vivek.Preview
---@return boolean more whether some are left for the next time
local function absorb(preview)
  partial.feed(preview.partial, table.concat(preview.pieces))
  preview.pieces = {}
  if not preview.writing then
    partial.finish(preview.partial)
  end
  local lines = preview.partial.lines
  local last = math.min(#lines, preview.taken + MOST_LINES)
  for index = preview.taken + 1, last do
    draft.add(preview.draft, indent.fitted(preview.indent, lines[index]))
  end
  preview.taken = last
  return last < #lines
end

--- What the user changed since the ask.
---@param preview vivek.Preview
---@return vivek.Region[]
local function moved(preview)
  local tick = vim.api.nvim_buf_get_changedtick(preview.buf)
  if preview.tick ~= tick then
    preview.moved = text.diff(preview.base, vim.api.nvim_buf_get_lines(preview.buf, 0, -1, false))
    preview.tick = tick
  end
  return preview.moved
end

--- Where the changes so far are to be drawn.
---@param preview vivek.Preview
---@param view vivek.View
---@return vivek.PreviewPlace[]
local function places_of(preview, view)
  local buf, places, below = preview.buf, {}, {}
  local wins = panes.of(buf)
  for _, change in ipairs(draft.changes(preview.draft, partial.is_closed(preview.partial))) do
    local start = preview.first + change.start
    local row, last = hunks.mapped(start, start + change.count, moved(preview), false)
    local place = { row = row, old = vim.api.nvim_buf_get_lines(buf, row, last, false), new = change.new }
    -- The lines of a hunk that is shown already are left to it.
    if
      panes.in_sight(wins, row, #place.old)
      and not vim.deep_equal(place.old, place.new)
      and not draw.is_taken(buf, place)
    then
      local room = change.written and panes.height(wins) or panes.room_below(wins, last - 1, below)
      place.new, place.above, place.rows = panes.fitting(place.new, room, view, not change.written)
      places[#places + 1] = place
      below[#below + 1] = { row = last - 1, rows = place.rows }
    end
  end
  return places
end

---@param drawn vivek.DrawnPreview?
---@param place vivek.PreviewPlace
---@param looks string
---@return boolean
local function is_drawn(drawn, place, looks)
  return drawn ~= nil
    and drawn.looks == looks
    and drawn.place.above == place.above
    and draw.is_at(drawn.marks, place.row)
    and vim.deep_equal(drawn.place.old, place.old)
    and vim.deep_equal(drawn.place.new, place.new)
end

--- New lines above line 1 are to be seen where a window is at the top of the buffer.
---@param preview vivek.Preview
---@param wins integer[]
local function reveal_top(preview, wins)
  local place = preview.drawn[1] and preview.drawn[1].place
  if place and draw.last_row(place) < 0 then
    for _, win in ipairs(wins) do
      draw.reveal_top(win, place.rows)
    end
  end
end

---@param preview vivek.Preview
---@param place vivek.PreviewPlace
---@param view vivek.View
---@return vivek.Marks
local function draw_place(preview, place, view)
  local new = vim.tbl_map(function(line)
    return line .. preview.ending
  end, place.new)
  local note = place.above > 0
    and { ('⋯ %s above'):format(report.counted(place.above, 'line')), 'VivekHint' }
  local hunk = { state = 'pending', row = place.row, old = place.old, new = new }
  return draw.hunk(preview.buf, hunk, view, note or nil, NAMESPACE)
end

---@param preview vivek.Preview
local function draw_places(preview)
  local view = draw.view(preview.buf)
  local places = places_of(preview, view)
  local looks = ('%s %s %s'):format(view.width, view.wrap, view.tabstop)
  local topmost = preview.drawn[1]
  for index, place in ipairs(places) do
    local drawn = preview.drawn[index]
    if not is_drawn(drawn, place, looks) then
      if drawn then
        draw.erase(drawn.marks)
      end
      preview.drawn[index] = { marks = draw_place(preview, place, view), place = place, looks = looks }
    end
  end
  erase(preview, #places + 1)
  if preview.drawn[1] ~= topmost then
    reveal_top(preview, vim.fn.win_findbuf(preview.buf))
  end
end

local redraw

---@param preview vivek.Preview
local function redraw_soon(preview)
  if preview.due or #vim.fn.win_findbuf(preview.buf) == 0 then
    return
  end
  preview.due = true
  preview.timer:start(
    preview.pause,
    0,
    vim.schedule_wrap(function()
      preview.due = false
      if previews[preview.run] == preview then
        redraw(preview)
      end
    end)
  )
end

---@param preview vivek.Preview
redraw = function(preview)
  if not vim.api.nvim_buf_is_loaded(preview.buf) or not config.get().preview then
    return M.clear(preview.run)
  elseif #vim.fn.win_findbuf(preview.buf) == 0 then
    return
  end
  local began = vim.uv.hrtime()
  local more = absorb(preview)
  draw_places(preview)
  local took = (vim.uv.hrtime() - began) / 1e6
  preview.pause = math.max(INTERVAL_MS, math.min(took / SHARE, LONGEST_MS))
  if more then
    redraw_soon(preview)
  end
end

---@param preview vivek.Preview
---@return fun() stop
local function watch_buffer(preview)
  local function later()
    redraw_soon(preview)
  end
  return watch.buffer(preview.buf, {
    text = later,
    layout = later,
    scrolled = later,
    top = function(win)
      reveal_top(preview, { win })
    end,
    gone = function()
      M.clear(preview.run)
    end,
  })
end

---@type table<string, boolean> kinds of work that change nothing
local WORDS = { answer = true, tests = true }

--- Begin the preview of an attempt.
---@param run vivek.Run
---@param event vivek.Event
local function begin(run, event)
  M.clear(run.id)
  local target = given(event.target)
  local wanted = config.get().preview and target and not WORDS[given(event.route)]
  if not wanted or not vim.api.nvim_buf_is_loaded(run.buf) then
    return
  end
  highlight.setup()
  local first, last = range_of(run, target)
  local old, ending = without_returns(vim.list_slice(run.base, first + 1, last))
  local preview = {
    run = run.id,
    event = event,
    buf = run.buf,
    base = run.base,
    first = first,
    ending = ending,
    pieces = {},
    partial = partial.new(),
    indent = indent_of(run, first, last, old),
    draft = draft.new(old),
    taken = 0,
    writing = true,
    moved = {},
    drawn = {},
    timer = assert(vim.uv.new_timer()),
    due = false,
    pause = INTERVAL_MS,
  }
  preview.unwatch = watch_buffer(preview)
  previews[run.id] = preview
end

--- Take in an event of a run.
---@param run vivek.Run
---@param event vivek.Event
function M.event(run, event)
  local kind, preview = event.kind, previews[run.id]
  if kind == 'node' and event.node == 'executor' then
    begin(run, event)
  elseif not preview then
    return
  elseif kind == 'done' or kind == 'error' then
    M.clear(preview.run)
  elseif kind == 'retry' and preview.writing then
    -- What came so far is void.
    begin(run, preview.event)
  elseif kind == 'text' and event.node == 'executor' then
    table.insert(preview.pieces, event.text)
    redraw_soon(preview)
  elseif kind == 'node' and preview.writing then
    preview.writing = false
    redraw_soon(preview)
  end
end

return M
