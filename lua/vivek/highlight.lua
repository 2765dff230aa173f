--- The highlight groups. Each is a default that links to what a colour scheme already has, so a scheme or a
--- user who defines one of them wins.
---
--- One is made instead of linked: many schemes give DiffDelete no background, and then a removed line, which
--- keeps its syntax colours, would look like any other.

local M = {}

local LINKS = {
  VivekAdd = 'DiffAdd',
  VivekAddText = 'DiffText',
  VivekDeleteText = 'DiffText',
  VivekConflict = 'DiffChange',
  VivekStale = 'DiagnosticVirtualTextWarn',
  VivekStaleText = 'Comment',
  VivekHint = 'Comment',
  VivekSpinner = 'DiagnosticVirtualTextInfo',
  VivekStats = 'Comment',
  VivekTitle = 'Title',
  VivekNode = 'Statement',
  VivekStrong = '@markup.strong',
  VivekCode = 'String',
  VivekNotice = 'DiagnosticWarn',
  VivekError = 'DiagnosticError',
  VivekOk = 'DiagnosticOk',
}

local RED = {
  dark = { bg = 'NvimDarkRed', ctermfg = 0, ctermbg = 9 },
  light = { bg = 'NvimLightRed', ctermfg = 0, ctermbg = 9 },
}

---@return vim.api.keyset.highlight
local function removed()
  local scheme = vim.api.nvim_get_hl(0, { name = 'DiffDelete', link = false })
  if scheme.bg or scheme.reverse then
    return { link = 'DiffDelete' }
  end
  return RED[vim.o.background]
end

local function define()
  for name, target in pairs(LINKS) do
    vim.api.nvim_set_hl(0, name, { link = target, default = true })
  end
  vim.api.nvim_set_hl(0, 'VivekDelete', vim.tbl_extend('force', removed(), { default = true }))
end

local ready = false

--- Define the groups, now and after each change of the colour scheme. Calling it again costs nothing.
function M.setup()
  if ready then
    return
  end
  ready = true
  define()
  vim.api.nvim_create_autocmd('ColorScheme', {
    group = vim.api.nvim_create_augroup('vivek_highlight', {}),
    desc = 'Vivek: define its highlight groups again',
    callback = define,
  })
end

return M
