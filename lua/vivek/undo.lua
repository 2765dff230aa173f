--- Which hunks were applied at which state of a buffer's undo tree.
---
--- It bridges `undotree()` and sets of hunks. A state of the undo tree is one text, so what was applied
--- there is certain, where a diff of texts in which lines repeat themselves can only guess. What it
--- doesn't do: look at the text.

local M = {}

---@class vivek.UndoState
---@field applied table<integer, boolean> by the hunks' id
---@field certain table<integer, boolean>? the hunks of which that is known for sure
---@field text string? what tells the text at the time from any other, for changes may be added to the newest
--- state; nil where the set is only believed

---@class vivek.UndoRecord
---@field buf integer
---@field known table<integer, vivek.UndoState> by the state's number
---@field tick integer? the changedtick that `digest` is of
---@field digest string?

---@param record vivek.UndoRecord
---@return string
local function digest(record)
  local tick = vim.api.nvim_buf_get_changedtick(record.buf)
  if record.tick ~= tick then
    local text = table.concat(vim.api.nvim_buf_get_lines(record.buf, 0, -1, true), '\n')
    record.digest = vim.fn.sha256(text:find('%z') and text:gsub('%z', '\n\n') or text)
    record.tick = tick
  end
  return record.digest
end

---@param buf integer
---@param believed table<integer, boolean> what is thought to be applied: the text may have gone on since the
--- ask, and an earlier session may have left it
---@return vivek.UndoRecord
function M.record(buf, believed)
  local record = { buf = buf, known = {} }
  M.restart(record, believed)
  return record
end

--- Keep what the text says of the state that the buffer is in. What is found later at a state before it must
--- not change that.
---@param record vivek.UndoRecord
---@param applied table<integer, boolean>
function M.believe(record, applied)
  record.known[vim.fn.undotree(record.buf).seq_cur] = { applied = applied }
end

--- Note what is applied at the state that the buffer is in.
---@param record vivek.UndoRecord
---@param applied table<integer, boolean>
---@param certain table<integer, boolean> of which hunks that is known for sure, by id
function M.note(record, applied, certain)
  local state = { applied = applied, certain = certain, text = digest(record) }
  record.known[vim.fn.undotree(record.buf).seq_cur] = state
end

---@param entries table[]
---@param before integer the state that the first entry changed
---@param parents table<integer, integer>
local function gather(entries, before, parents)
  for _, entry in ipairs(entries) do
    if entry.alt then
      gather(entry.alt, before, parents)
    end
    parents[entry.seq] = before
    before = entry.seq
  end
end

--- What was applied at the state that the buffer is in: what was noted there, or at the nearest state
--- that led to it.
---@param record vivek.UndoRecord
---@return table<integer, boolean>
---@return table<integer, boolean> certain the hunks of which that is known for sure: none where the text has
--- changed since it was noted
function M.applied(record)
  local tree = vim.fn.undotree(record.buf)
  local here = record.known[tree.seq_cur]
  if here then
    local is_same = here.text ~= nil and here.text == digest(record)
    return here.applied, is_same and here.certain or {}
  end
  local parents = {}
  gather(tree.entries, 0, parents)
  local state = tree.seq_cur
  while state and state > 0 do
    state = parents[state]
    if record.known[state] then
      return record.known[state].applied, {}
    end
  end
  -- No state on the way is known: it is older than the proposal, where nothing of it was applied.
  return {}, {}
end

--- The buffer was loaded anew. The text that came may be any text: what is applied in it is only believed.
---@param record vivek.UndoRecord
---@param applied table<integer, boolean>
function M.restart(record, applied)
  local tree = vim.fn.undotree(record.buf)
  record.known[tree.seq_cur] = { applied = applied }
  if #tree.entries == 0 then
    -- The tree was thrown away. The numbers go on, but whoever undoes all comes to 0 again.
    record.known[0] = record.known[tree.seq_cur]
  end
end

return M
