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

---@param buf integer
---@return string[]
local function lines_of(buf)
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, true)
  return #lines == 1 and lines[1] == '' and {} or lines
end

---@param place vivek.Place
---@return string[]
local function text_of(place)
  if place.state == 'stale' then
    return merge.markers(place.base or {}, place.old, place.new, LABELS)
  end
  return place.new
end

---@param source integer
---@param buf integer the buffer of the hunk
---@param hunk vivek.Hunk
local function write(source, buf, hunk)
  local lines = lines_of(buf)
  local left = merge.unresolved(lines)
  if left then
    return message.error(
      ('A conflict marker is left in line %d.'):format(left),
      'Keep the lines that you want, take the markers out, then write again.'
    )
  elseif not (vim.api.nvim_buf_is_loaded(source) and proposals.edit(source, hunk, lines)) then
    return message.error('This hunk is not open any more.', 'Copy what you need; :VivekRestore opens it again.')
  end
  vim.bo[buf].modified = false
  message.info(('hunk %d has your text now. %s applies it.'):format(hunk.id, keys.label(source, 'apply')))
end

---@param source integer
---@param hunk vivek.Hunk
---@return string
local function name_of(source, hunk)
  return ('vivek-hunk://%d/%d/%s'):format(source, hunk.id, vim.fs.basename(vim.api.nvim_buf_get_name(source)))
end

---@param source integer
---@param item vivek.Item
---@return integer buf
local function create(source, item)
  local buf = vim.api.nvim_create_buf(false, false)
  vim.api.nvim_buf_set_name(buf, name_of(source, item.hunk))
  local options = vim.bo[buf]
  options.buftype, options.bufhidden, options.swapfile = 'acwrite', 'wipe', false
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, text_of(item.place))
  for _, option in ipairs({ 'filetype', 'expandtab', 'shiftwidth', 'softtabstop', 'tabstop' }) do
    options[option] = vim.bo[source][option]
  end
  options.modified = false
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buf,
    callback = function()
      write(source, buf, item.hunk)
    end,
  })
  return buf
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
  local existing = vim.fn.bufnr('^' .. vim.fn.fnameescape(name_of(source, item.hunk)) .. '$')
  local buf = existing ~= -1 and existing or create(source, item)
  local shown = vim.fn.win_findbuf(buf)[1]
  if shown then
    return vim.api.nvim_set_current_win(shown)
  end
  local height = math.min(math.max(vim.api.nvim_buf_line_count(buf) + 1, LEAST_HEIGHT), math.floor(vim.o.lines / 2))
  vim.api.nvim_open_win(buf, true, { split = 'below', height = height })
end

return M
