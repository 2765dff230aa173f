--- The question what to do with a hunk that conflicts with a change of the user's.
---
--- It bridges one hunk and the user's choice. What it doesn't do: carry the choice out.

local M = {}

---@class vivek.ConflictWays one of them is called, also long after the question: the hunk may be gone by then
---@field theirs fun()
---@field mine fun()
---@field edit fun()

---@type { name: string, text: string, removing?: string }[] removing: where the model has no lines
local WAYS = {
  {
    name = 'theirs',
    text = "Take the model's lines in place of yours",
    removing = 'Remove your lines, as the model does',
  },
  { name = 'mine', text = 'Keep yours, reject the hunk' },
  { name = 'edit', text = 'Edit both in a buffer' },
}

---@param hunk vivek.Hunk
---@param ways vivek.ConflictWays
function M.ask(hunk, ways)
  vim.ui.select(WAYS, {
    prompt = ('Hunk %d conflicts with your change:'):format(hunk.id),
    kind = 'vivek_conflict',
    format_item = function(way)
      return #hunk.new == 0 and way.removing or way.text
    end,
  }, function(way)
    if way then
      ways[way.name]()
    end
  end)
end

return M
