--- Puts hunks into a buffer: the smallest changes, from the last line up, in one undo block of its own.
---
--- It bridges located hunks and Neovim's text functions. It does not ask whether a hunk still fits; whoever
--- calls it has located the hunks in this very tick. `vim.lsp.util.apply_text_edits` is not used because it
--- rewrites lone carriage returns, marks and trailing lines.

local text = require('vivek.text')

local M = {}

---@param buf integer
---@param row integer
---@param old string
---@param new string
local function set_line(buf, row, old, new)
  local prefix, suffix = text.common_ends(old, new)
  local added = new:sub(prefix + 1, #new - suffix)
  if added ~= '' or prefix + suffix < #old then
    vim.api.nvim_buf_set_text(buf, row, prefix, row, #old - suffix, { added })
  end
end

--- Replace lines of a buffer. Lines that stay, and the unchanged ends of lines that change, keep their marks.
---@param buf integer
---@param row integer
---@param old string[] what the buffer holds from `row` on
---@param new string[]
function M.lines(buf, row, old, new)
  local regions = text.aligned(old, new)
  for index = #regions, 1, -1 do
    local region = regions[index]
    local paired = math.min(region.count, region.added)
    local first = row + region.start
    if region.count ~= region.added then
      local rest = vim.list_slice(new, region.to + paired + 1, region.to + region.added)
      vim.api.nvim_buf_set_lines(buf, first + paired, first + region.count, true, rest)
    end
    for line = paired - 1, 0, -1 do
      set_line(buf, first + line, old[region.start + line + 1], new[region.to + line + 1])
    end
  end
end

--- End the undo block that may be open: setting 'undolevels' does just that (see :help undo-break).
---@param buf integer
local function break_undo(buf)
  vim.api.nvim_buf_call(buf, function()
    vim.cmd('noautocmd let &l:undolevels = &l:undolevels')
  end)
end

--- A running insert believes that its line is saved for undo; the break made that untrue, and CTRL-G u tells
--- it so.
---@param buf integer
local function tell_insert_mode(buf)
  if vim.api.nvim_get_current_buf() == buf and vim.api.nvim_get_mode().mode:find('^[iR]') then
    vim.api.nvim_feedkeys(vim.keycode('<C-g>u'), 'ni', false)
  end
end

---@class vivek.Replacement
---@field row integer
---@field old string[]
---@field new string[]

--- Hunks that have come to touch, because the lines between them are gone, are one replacement. Done one by
--- one, taking all lines of a buffer and then adding some would leave the empty line that Neovim puts in an
--- empty buffer.
---@param located vivek.LocatedHunk[]
---@return vivek.Replacement[]
local function replacements_of(located)
  local replacements = {}
  for _, one in ipairs(located) do
    local last = replacements[#replacements]
    if last and last.row + #last.old == one.row then
      vim.list_extend(last.old, one.old)
      vim.list_extend(last.new, one.new)
    else
      local old, new = vim.list_slice(one.old), vim.list_slice(one.new)
      replacements[#replacements + 1] = { row = one.row, old = old, new = new }
    end
  end
  return replacements
end

--- Set '[ and '] as a put does: to the first and the last line that came in, or where lines only went, to the
--- line below.
---@param buf integer
---@param replacements vivek.Replacement[]
local function set_change_marks(buf, replacements)
  local shift, first, last = 0, nil, nil
  for _, one in ipairs(replacements) do
    local row = one.row + shift
    first = first or row
    last = math.max(row, row + #one.new - 1)
    shift = shift + #one.new - #one.old
  end
  local bottom = vim.api.nvim_buf_line_count(buf)
  vim.api.nvim_buf_set_mark(buf, '[', math.min(first + 1, bottom), 0, {})
  vim.api.nvim_buf_set_mark(buf, ']', math.min(last + 1, bottom), 0, {})
end

--- Hunks that change but the end of the last line are something to undo only where some text is set.
---@param buf integer
local function touch_last_line(buf)
  vim.api.nvim_buf_set_lines(buf, -2, -1, true, vim.api.nvim_buf_get_lines(buf, -2, -1, true))
end

---@class vivek.LocatedHunk : vivek.Replacement
---@field eol boolean? whether the last line ends in a newline afterwards, where the hunk changes that

--- Replace the lines of hunks. One `u` takes all of them back.
---@param buf integer
---@param located vivek.LocatedHunk[] in the order of their lines
function M.hunks(buf, located)
  break_undo(buf)
  local replacements = replacements_of(located)
  for index = #replacements, 1, -1 do
    M.lines(buf, replacements[index].row, replacements[index].old, replacements[index].new)
  end
  local changes_lines = false
  for _, one in ipairs(located) do
    changes_lines = changes_lines or not vim.deep_equal(one.old, one.new)
    if one.eol ~= nil then
      vim.bo[buf].endofline = one.eol
    end
  end
  if not changes_lines then
    touch_last_line(buf)
  end
  set_change_marks(buf, replacements)
  break_undo(buf)
  tell_insert_mode(buf)
end

--- Why a buffer takes no change.
---@param buf integer
---@return string? reason nil where it does
---@return string? hint
function M.refusal(buf)
  if not vim.bo[buf].modifiable then
    return 'The buffer is not modifiable.', 'Run :setlocal modifiable, then apply again.'
  elseif vim.bo[buf].readonly then
    return 'The buffer is read-only.', 'Run :setlocal noreadonly, then apply again.'
  end
end

return M
