--- The scratch buffer: what the model is doing and writing, as it comes, one buffer for each source buffer,
--- in it a section for each run.
---
--- It bridges runs and a window beside the source, whose bar tells what is going on. What it doesn't do:
--- change the source buffer, or know what is worth writing.

local beside = require('vivek.beside')
local highlight = require('vivek.highlight')
local report = require('vivek.report')
local section = require('vivek.section')
local transcript = require('vivek.transcript')

local M = {}

---@class vivek.Scratch
---@field buf integer
---@field source integer
---@field page vivek.Page
---@field at_work string[] runs in the order of their start
---@field latest string? the run that began or ended last

---@type table<integer, vivek.Scratch> by scratch buffer
local scratches = {}
---@type table<string, vivek.Scratch> by run
local by_run = {}

-- What stands in answers besides code.
local MARKUP = {
  [[syntax match VivekTitle /^# .*/]],
  [[syntax match VivekNode /^#\{2,6} .*/]],
  [[syntax match VivekStrong /\*\*[^*]\+\*\*/]],
  [[syntax match VivekCode /`[^`]\+`/]],
}
-- A section at work may have a fence open; the gap below it and the title of the next one end it.
local FENCE = [[start=/^\s*\z(`\{3,}\|\~\{3,}\).*$/ end=/^\s*\z1\s*$/ end=/^]]
  .. section.GAP:gsub('\n', [[\ze\n# /]])

--- Highlight the code by the syntax file of the source's language: Neovim has one for nearly every file type,
--- and growing text costs it nothing, while tree-sitter parses code within Markdown anew with each piece that
--- comes.
---@param buf integer
---@param filetype string the source's
local function highlight_as(buf, filetype)
  local language = filetype:match('^[%w_-]+') or ''
  local known = #vim.api.nvim_get_runtime_file(('syntax/%s.vim'):format(language), false) > 0
  vim.api.nvim_buf_call(buf, function()
    vim.tbl_map(vim.cmd, MARKUP)
    if known then
      vim.cmd(('syntax include @VivekLanguage syntax/%s.vim'):format(language))
    end
    local contained = known and 'contains=@VivekLanguage' or ''
    vim.cmd(('syntax region VivekFence matchgroup=VivekStats keepend %s %s'):format(FENCE, contained))
    vim.cmd('syntax sync fromstart')
    vim.b.current_syntax = 'vivek'
  end)
end

---@param source integer
---@return string
local function name_of(source)
  local path = vim.api.nvim_buf_get_name(source)
  return 'vivek://' .. (path ~= '' and path or ('buffer-%d'):format(source))
end

---@param source integer
---@return vivek.Scratch
local function create(source)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buf, name_of(source))
  local options = vim.bo[buf]
  options.buftype, options.bufhidden, options.swapfile, options.undolevels = 'nofile', 'hide', false, -1
  options.filetype = 'vivek'
  options.modifiable = false
  highlight_as(buf, vim.bo[source].filetype)
  local scratch = { buf = buf, source = source, page = section.page(buf), at_work = {} }
  scratches[buf] = scratch
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      scratches[buf] = nil
    end,
  })
  return scratch
end

--- The scratch buffer of a source buffer.
---@param source integer
---@return integer? buf nil where there is none
function M.of(source)
  for buf, scratch in pairs(scratches) do
    if scratch.source == source then
      return buf
    end
  end
end

--- The scratch buffer of a file that was closed and opened again goes on with it.
---@param source integer
---@return vivek.Scratch?
local function adopted(source)
  local name = name_of(source)
  for buf, scratch in pairs(scratches) do
    if not vim.api.nvim_buf_is_valid(scratch.source) and vim.api.nvim_buf_get_name(buf) == name then
      scratch.source = source
      return scratch
    end
  end
end

--- What the bar of a window tells: of one run in full, of several in a few words each.
---@param scratch vivek.Scratch
---@param columns integer
---@return string
local function bar(scratch, columns)
  local all = vim.tbl_map(transcript.doing, scratch.at_work)
  if #all > 1 then
    return report.several(all, columns)
  end
  local doing = all[1] or transcript.doing(scratch.latest)
  local is_told = not doing.node or doing.node == doing.text
  return is_told and doing.text or ('%s · %s'):format(doing.node, doing.text)
end

---@param scratch vivek.Scratch
local function show_bar(scratch)
  beside.bar(scratch.buf, function(columns)
    return bar(scratch, columns)
  end)
end

--- Open the scratch buffer of a source buffer in a window, the cursor staying where it is, and begin a run in
--- it.
---@param source integer
---@param run string
---@param instruction string
---@return integer buf
function M.open(source, run, instruction)
  highlight.setup()
  local existing = M.of(source)
  local scratch = existing and scratches[existing] or adopted(source) or create(source)
  by_run[run] = scratch
  table.insert(scratch.at_work, run)
  scratch.latest = run
  transcript.begin(run, section.new(scratch.page, run), source, instruction)
  beside.open(scratch.buf, scratch.source)
  show_bar(scratch)
  return scratch.buf
end

--- Show what an event of a run tells.
---@param event table
function M.event(event)
  local scratch = by_run[event.run]
  if not scratch then
    return
  end
  transcript.event(event)
  if event.kind == 'done' or event.kind == 'error' then
    scratch.at_work = vim.tbl_filter(function(run)
      return run ~= event.run
    end, scratch.at_work)
    scratch.latest = event.run
  end
  if event.kind ~= 'text' then
    show_bar(scratch)
  end
end

--- The source buffer that a scratch buffer belongs to; it may have been closed since.
---@param buf integer
---@return integer? source nil where the buffer is no scratch buffer
function M.source_of(buf)
  local scratch = scratches[buf]
  return scratch and scratch.source
end

--- The run that wrote a line of a scratch buffer.
---@param buf integer
---@param line integer 1-based
---@return string? run nil where the buffer is no scratch buffer
function M.run_at(buf, line)
  local scratch = scratches[buf]
  local part = scratch and section.at(scratch.page, line - 1)
  return part and part.run
end

--- Whether a run has a section that can be read.
---@param run string
---@return boolean
function M.shows(run)
  local scratch = by_run[run]
  return scratch ~= nil and scratches[scratch.buf] == scratch
end

--- What the model wrote in a run, every attempt of it, character for character.
---@param run string
---@return string
function M.text(run)
  return transcript.text(run)
end

return M
