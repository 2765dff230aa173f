--- The findings of a review in the quickfix list and in the location list of the source's windows.
---
--- It bridges findings and `:cnext` and its kin. Each review makes a list of its own, so that `:colder` has
--- the one before. What it doesn't do: open a window, or touch a list that is not its own.

local config = require('vivek.config')
local diagnostics = require('vivek.review.diagnostics')

local M = {}

---@type table<vivek.Severity, string>
local TYPES = { error = 'E', warning = 'W', information = 'I', hint = 'N' }

---@class vivek.ListKeeper one list of Neovim's, which is found again by its number
---@field id? integer nil until there is something to list
---@field win? integer the window of a location list; nil for the quickfix list

---@param keeper vivek.ListKeeper
---@param what table
---@return table
local function get(keeper, what)
  return keeper.win and vim.fn.getloclist(keeper.win, what) or vim.fn.getqflist(what)
end

---@param keeper vivek.ListKeeper
---@param action ' '|'r'
---@param what table
local function set(keeper, action, what)
  if keeper.win then
    vim.fn.setloclist(keeper.win, {}, action, what)
  else
    vim.fn.setqflist({}, action, what)
  end
end

---@param found vivek.Findings
---@return table[]
local function items_of(found)
  local items = {}
  for _, item in ipairs(found.items) do
    if item.first and not item.folded then
      local finding = item.finding
      items[#items + 1] = {
        bufnr = found.buf,
        lnum = item.first,
        end_lnum = item.last,
        type = TYPES[finding.severity],
        text = ('%s%s [%s]'):format(
          item.stale and 'stale: ' or '',
          finding.message,
          diagnostics.source(finding)
        ),
      }
    end
  end
  return items
end

---@param found vivek.Findings
---@return string
local function title(found)
  return 'Vivek: review of ' .. vim.fn.fnamemodify(vim.api.nvim_buf_get_name(found.buf), ':t')
end

---@param keeper vivek.ListKeeper
---@param found vivek.Findings
---@param items table[]
local function fill(keeper, found, items)
  if keeper.win and not vim.api.nvim_win_is_valid(keeper.win) then
    return
  elseif not keeper.id then
    set(keeper, ' ', { title = title(found), items = items })
    keeper.id = get(keeper, { id = 0 }).id
  elseif get(keeper, { id = keeper.id }).id == keeper.id then
    local index = math.min(get(keeper, { id = keeper.id, idx = 0 }).idx, #items)
    set(keeper, 'r', { id = keeper.id, items = items, idx = math.max(index, 1) })
  end
end

---@param found vivek.Findings
---@return vivek.ListKeeper[]
local function keepers_of(found)
  local wanted, made = config.get().review, {}
  if wanted.quickfix then
    table.insert(made, {})
  end
  for _, win in ipairs(wanted.location_list and vim.fn.win_findbuf(found.buf) or {}) do
    table.insert(made, { win = win })
  end
  return made
end

--- Show what a review has found.
---@param found vivek.Findings
function M.show(found)
  local items = items_of(found)
  found.lists = found.lists or (#items > 0 and keepers_of(found)) or nil
  for _, keeper in ipairs(found.lists or {}) do
    fill(keeper, found, items)
  end
end

return M
