--- The public Lua API: `setup()`, one function for each command, and a component for a statusline.
---
--- Each function takes the current buffer, be it a source or its scratch buffer. What it doesn't do: any
--- work.

local M = {}

---@return integer
local function source()
  return require('vivek.sources').current()
end

--- Change the settings. Optional; what is wrong is told and left at its default.
---@param options? table see |vivek-config|
function M.setup(options)
  require('vivek.config').setup(options)
  if type(options) == 'table' and options.mode then
    require('vivek.mode') -- so that the statusline, which loads nothing, shows it
  end
end

---@class vivek.AskOptions
---@field instruction? string asked for where it is missing or empty
---@field range? [integer, integer] first and last line of the selection, 1-based
---@field mode? vivek.Mode for this ask alone
---@field buf? integer the buffer to ask about; the current one where nil
---@field line? integer stands for the cursor's, where no range is given
---@field into_tests? boolean whether tests are proposed in the file that they belong in
---@field vertical? boolean whether that opens in a window to the side

--- Ask the model to change the selection, or what is under the cursor; from a scratch buffer, to follow up.
---@param options? vivek.AskOptions
function M.ask(options)
  require('vivek.ask').ask(options or {})
end

--- Review the buffer, some of its lines, or what changed since HEAD.
---@param options? vivek.ReviewOptions
function M.review(options)
  require('vivek.review').review(options or {})
end

--- Ask for the finding at the cursor to be mended.
function M.fix()
  require('vivek.fix').run()
end

--- Silence the finding at the cursor for good, or with `all` take those of the buffer off the screen.
---@param options? { all?: boolean }
function M.dismiss(options)
  local review = require('vivek.review')
  if options and options.all then
    review.clear()
  else
    review.dismiss()
  end
end

--- Write the last report to a file: Markdown, JSON or SARIF by its extension.
---@param path? string
---@param options? { force?: boolean } force: replace a file that is there
function M.export(path, options)
  require('vivek.review').export(path or '', options and options.force)
end

--- Write tests for the selection, or for what is under the cursor, as a proposal for the project's own tests.
---@param options? { instruction?: string, range?: [integer, integer], vertical?: boolean }
function M.test(options)
  local asked = vim.tbl_extend('force', options or {}, { mode = 'sdet', into_tests = true })
  if vim.trim(asked.instruction or '') == '' then
    asked.instruction = 'Write tests.'
  end
  require('vivek.ask').ask(asked)
end

--- Take a mode for the asks of this Neovim, or tell which one is in force.
---@param name? vivek.Mode
function M.mode(name)
  require('vivek.mode').choose(name)
end

--- Stop the run that the cursor is at, else the latest of this buffer, or every run where it has none.
---@param options? { all?: boolean } all: every run
function M.stop(options)
  require('vivek.stop').stop(options or {})
end

--- Apply the hunk under the cursor, or some, or all.
---@param options? vivek.Choice
function M.apply(options)
  require('vivek.proposals').apply(source(), options or {})
end

--- Reject the hunk under the cursor, or some, or all.
---@param options? vivek.Choice
function M.reject(options)
  require('vivek.proposals').reject(source(), options or {})
end

--- Take the last reject back, or every one.
---@param options? { all?: boolean }
function M.restore(options)
  require('vivek.proposals').restore(source(), options or {})
end

--- Edit the hunk under the cursor in a buffer of its own.
function M.edit()
  require('vivek.edit').open(source())
end

--- Show the proposal beside the buffer in diff mode, or take that view away.
function M.diff()
  require('vivek.diff').toggle(source())
end

--- Show again what an earlier session left open in this file.
function M.resume()
  require('vivek.resume').run(source())
end

---@param count? integer
function M.next(count)
  require('vivek.proposals').next(source(), count or 1)
end

---@param count? integer
function M.prev(count)
  require('vivek.proposals').prev(source(), count or 1)
end

--- Begin a fresh conversation on this file.
function M.new()
  require('vivek.ask').new(source())
end

--- List what the model replied about this buffer, newest first, to open, yank or propose again.
---@param options? { all?: boolean } all: about every file
function M.history(options)
  require('vivek.history').pick(source(), options or {})
end

--- Install Vivek's Python part, or with `what = 'model'` a model.
---@param what? string
---@param name? string
function M.install(what, name)
  require('vivek.install').run(what, name)
end

--- Open the log in a split.
function M.log()
  local message = require('vivek.message')
  local path = message.log_path()
  if not vim.uv.fs_stat(path) then
    message.info(('Nothing has been logged yet (%s).'):format(path))
    return
  end
  vim.cmd.split(vim.fn.fnameescape(path))
  vim.bo.autoread = true
  vim.bo.filetype = 'json'
  vim.cmd.normal({ 'G', bang = true })
end

--- What Vivek is doing and the mode that was chosen, for a statusline; '' while there is neither.
---@return string
function M.statusline()
  -- A statusline is drawn from the first moment on, and must load nothing.
  local progress, mode = package.loaded['vivek.progress'], package.loaded['vivek.mode']
  local doing, label = progress and progress.statusline() or '', mode and mode.label() or ''
  if label == '' then
    return doing
  end
  return ('%s %s'):format(doing == '' and 'Vivek' or doing, label)
end

return M
