--- The configuration of `make try`: Vivek, one key to ask, and a line on top that says what to press.
---
--- It stands for a user's own `init.lua`; nothing of Vivek depends on it.

local root = vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2))))
local instruction = vim.env.VIVEK_TRY_INSTRUCTION

vim.opt.runtimepath:prepend(root)
vim.o.number = true
vim.o.termguicolors = true

require('vivek').setup({
  backend = 'embedded',
  model = vim.env.VIVEK_TRY_MODEL,
  python = root .. '/.venv/bin/python',
})

vim.keymap.set('n', '<Space>', ':VivekAsk ' .. instruction .. '<CR>', { desc = 'Ask Vivek' })

---@type integer the window of the sample
local window

---@param text string
local function hint(text)
  if vim.api.nvim_win_is_valid(window) then
    vim.wo[window].winbar = '%#Title# ' .. text
  end
end

vim.api.nvim_create_autocmd('VimEnter', {
  callback = function()
    window = vim.api.nvim_get_current_win()
    hint('Press Space to ask Vivek: ' .. instruction)
  end,
})

local hints = {
  VivekStart = ':VivekStop stops the model',
  VivekDone = ']v next hunk  \\a apply  \\r reject  u undo',
  VivekError = 'Space asks again',
}
vim.api.nvim_create_autocmd('User', {
  pattern = vim.tbl_keys(hints),
  callback = function(event)
    hint(hints[event.match])
  end,
})
