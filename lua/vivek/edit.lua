--- A hunk in a buffer of its own, to be edited before it is applied. Of one that conflicts with the
--- user's change, both sides stand there, with conflict markers.
---
--- It bridges an open hunk and a small window. Writing the buffer puts its text in the hunk's place; an
--- empty buffer is a hunk that only takes lines away. What it doesn't do: apply.

local keys = require('vivek.keys')
local merge = require('vivek.merge')
local message = require('vivek.message')
local proposals = require('vivek.proposals')

local M = {}

local LABELS = { mine = 'yours', old = 'at the ask', theirs = 'the model’s' }
local LEAST_HEIGHT = 5

---@class vivek.HunkEdit
---@field source integer
---@field item vivek.Item the hunk as it was when the buffer was made
---@field lines string[] what the buffer held then

---@type table<integer, vivek.HunkEdit> by the hunk's buffer
local edits = {}

---@param place vivek.Place
---@return string[]
local function text_of(place)
  if place.state == 'stale' then
    return merge.markers(place.base or {}, place.old, place.new, LABELS)
  end
  return place.new
end

--- What the user made of the hunk. An empty buffer stands for no lines, but where it was made of an empty
--- line.
---@param edit vivek.HunkEdit
---@param buf integer
---@return string[]
local function lines_of(edit, buf)
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, true)
  local is_empty = #lines == 1 and lines[1] == ''
  return is_empty and not vim.deep_equal(lines, edit.lines) and {} or lines
end

---@param edit vivek.HunkEdit
local function tell(edit)
  local hunk, item = edit.item.hunk, proposals.find(edit.source, edit.item.hunk)
  if not item then
    message.info(('hunk %d says what the buffer already holds: nothing is left to apply.'):format(hunk.id))
  elseif item.place.state == 'stale' then
    message.warn(
      ('the lines of hunk %d have changed since you opened it, and conflict with your text.'):format(hunk.id)
        .. ' :VivekEdit on it shows both.'
    )
  else
    message.info(
      ('hunk %d has your text now. %s applies it.'):format(hunk.id, keys.label(edit.source, 'apply'))
    )
  end
end

---@param edit vivek.HunkEdit
---@param buf integer
local function accept(edit, buf)
  local lines = lines_of(edit, buf)
  local marker = merge.unresolved(lines, LABELS)
  if marker then
    return message.error(
      ('Conflict markers are left in the text, the first in line %d.'):format(marker),
      'Keep the lines that you want, take the markers out, then write again.'
    )
  end
  local place, loaded = edit.item.place, vim.api.nvim_buf_is_loaded(edit.source)
  if not (loaded and proposals.edit(edit.source, edit.item.hunk, lines, place)) then
    return message.error(
      'This hunk is not open any more; your text is here still.',
      'Copy what you need, or write it to a file with :write {name}. Where you rejected the hunk, '
        .. ':VivekRestore opens it again, then write again.'
    )
  end
  vim.bo[buf].modified = false
  tell(edit)
end

--- `:write {name}` writes a file, as in any buffer.
---@param buf integer
---@param event { match: string }
local function write(buf, event)
  if event.match == vim.api.nvim_buf_get_name(buf) then
    return accept(edits[buf], buf)
  end
  if vim.fn.writefile(vim.api.nvim_buf_get_lines(buf, 0, -1, true), event.match) == 0 then
    message.info(('%s written.'):format(event.match))
  end
end

---@param source integer
---@param item vivek.Item
---@return string
local function name_of(source, item)
  local base = vim.fs.basename(vim.api.nvim_buf_get_name(source))
  return ('vivek-hunk://%d/%s/%d/%s'):format(source, item.proposal.run, item.hunk.id, base)
end

---@param source integer
---@param item vivek.Item
---@return integer buf
local function create(source, item)
  local buf = vim.api.nvim_create_buf(false, false)
  vim.api.nvim_buf_set_name(buf, name_of(source, item))
  local options = vim.bo[buf]
  options.buftype, options.bufhidden, options.swapfile = 'acwrite', 'wipe', false
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, text_of(item.place))
  for _, option in ipairs({ 'filetype', 'expandtab', 'shiftwidth', 'softtabstop', 'tabstop' }) do
    options[option] = vim.bo[source][option]
  end
  options.modified = false
  edits[buf] = { source = source, item = item, lines = vim.api.nvim_buf_get_lines(buf, 0, -1, true) }
  if #item.place.new == 0 then
    edits[buf].lines = {}
  end
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buf,
    callback = function(event)
      write(buf, event)
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    callback = function()
      edits[buf] = nil
    end,
  })
  return buf
end

---@param hunk vivek.Hunk
---@return integer?
local function buffer_of(hunk)
  for buf, edit in pairs(edits) do
    if edit.item.hunk == hunk then
      return buf
    end
  end
end

--- Open a hunk of a buffer for editing.
---@param source integer
---@param hunk? vivek.Hunk the one under the cursor where it is missing
function M.open(source, hunk)
  local item
  if hunk then
    item = proposals.find(source, hunk)
  else
    item = proposals.current(source)
  end
  if not item then
    return
  end
  local existing = buffer_of(item.hunk)
  local shown = existing and vim.fn.win_findbuf(existing)[1]
  if shown then
    return vim.api.nvim_set_current_win(shown)
  end
  local buf = existing or create(source, item)
  local height =
    math.min(math.max(vim.api.nvim_buf_line_count(buf) + 1, LEAST_HEIGHT), math.floor(vim.o.lines / 2))
  vim.api.nvim_open_win(buf, true, { split = 'below', height = height })
end

return M
