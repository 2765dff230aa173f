--- `:VivekHistory`: every reply of a model, to open, yank, or propose again.
---
--- It bridges the journal and `vim.ui.select`, so it looks like the user's other lists. What it doesn't do:
--- keep anything.

local capture = require('vivek.capture')
local journal = require('vivek.journal')
local message = require('vivek.message')
local report = require('vivek.report')

local M = {}

---@class vivek.HistoryItem
---@field run vivek.JournalRun
---@field reply vivek.JournalReply
---@field name string of the buffer that shows it

local MOST_INSTRUCTION = 50
local STATES = { 'pending', 'stale', 'applied', 'written', 'rejected' }

---@param runs vivek.JournalRun[] the newest first
---@return vivek.HistoryItem[] items the newest first
local function items_of(runs)
  local items = {}
  for _, run in ipairs(runs) do
    for index = #run.replies, 1, -1 do
      local name = ('vivek://reply/%s/%d'):format(run.id, index)
      items[#items + 1] = { run = run, reply = run.replies[index], name = name }
    end
  end
  return items
end

--- The lines of a reply, as buffers and registers take them.
---@param reply vivek.JournalReply
---@return string[]
local function lines_of(reply)
  local lines = vim.split(reply.text, '\n', { plain = true })
  if #lines > 1 and lines[#lines] == '' then
    lines[#lines] = nil
  end
  return lines
end

---@param created number
---@return string
local function time_of(created)
  local today = os.date('%Y-%m-%d')
  local day, time = os.date('%Y-%m-%d', created), os.date('%H:%M', created)
  return day == today and time --[[@as string]] or ('%s %s'):format(day, time)
end

---@param run vivek.JournalRun
---@return string
local function file_of(run)
  return run.path == '' and 'unnamed buffer' or vim.fn.fnamemodify(run.path, ':~:.')
end

---@param instruction string
---@return string
local function shortened(instruction)
  local line = instruction:gsub('%s+', ' ')
  if vim.fn.strdisplaywidth(line) <= MOST_INSTRUCTION then
    return line
  end
  return vim.fn.strcharpart(line, 0, MOST_INSTRUCTION - 1) .. '…'
end

--- What became of the hunks of a run.
---@param run vivek.JournalRun
---@return string
local function hunks_of(run)
  local counts = {}
  for _, mark in pairs(run.marks) do
    local state = mark.verdict or mark.state
    counts[state] = (counts[state] or 0) + 1
  end
  local parts = {}
  for _, state in ipairs(STATES) do
    parts[#parts + 1] = counts[state] and ('%d %s'):format(counts[state], state)
  end
  return #parts > 0 and table.concat(parts, ', ') or report.counted(#run.edits, 'hunk')
end

---@type table<string, string>
local ENDS = { done = 'no hunks', error = 'failed', stopped = 'stopped' }

--- What came of a reply; nil for a reply that hunks are never made of.
---@param item vivek.HistoryItem
---@return string?
local function state_of(item)
  local run = item.run
  if item.reply.node ~= 'executor' then
    return nil
  elseif run.edits then
    return item.reply.proposed and hunks_of(run) or 'not taken'
  elseif run.finish then
    return ENDS[run.finish.kind]
  end
  return run.running and 'running' or 'unfinished'
end

---@param item vivek.HistoryItem
---@param with_file boolean
---@return string
local function label_of(item, with_file)
  local run, parts = item.run, { time_of(item.run.created) }
  parts[#parts + 1] = with_file and file_of(run) or nil
  parts[#parts + 1] = shortened(run.instruction)
  parts[#parts + 1] = report.node(item.reply)
  parts[#parts + 1] = report.counted(#lines_of(item.reply), 'line')
  parts[#parts + 1] = state_of(item)
  return table.concat(parts, ' · ')
end

--- Show a buffer in a window of its own.
---@param buf integer
---@return boolean shown where not, the user is told
local function in_split(buf)
  local shown, failure = pcall(vim.cmd.sbuffer, buf)
  if not shown then
    -- There is no room, or the file cannot be read: Neovim says why.
    message.error((tostring(failure):gsub('^.-(E%d+:)', '%1')))
  end
  return shown
end

--- Show a reply in a split.
---@param item vivek.HistoryItem
local function open(item)
  local buf = vim.fn.bufadd(item.name)
  if not vim.api.nvim_buf_is_loaded(buf) then
    vim.bo[buf].buftype, vim.bo[buf].swapfile = 'nofile', false
    vim.fn.bufload(buf)
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines_of(item.reply))
    vim.bo[buf].modified, vim.bo[buf].modifiable = false, false
    vim.bo[buf].bufhidden, vim.bo[buf].filetype = 'wipe', 'markdown'
  end
  in_split(buf)
end

--- Put a reply into a register, as a yank of its lines does.
---@param item vivek.HistoryItem
---@param register string
local function yank(item, register)
  local lines = vim.tbl_map(function(line)
    return (line:gsub('%z', '\n'))
  end, lines_of(item.reply))
  vim.fn.setreg(register, lines, 'Vu')
  message.info(('%s yanked into register %s.'):format(report.counted(#lines, 'line'), register))
end

--- The buffer that a run was about, loaded or about to be.
---@param run vivek.JournalRun
---@return integer? buf nil where there is none any more
local function buffer_of(run)
  local buf = vim.iter(vim.api.nvim_list_bufs()):find(function(buf)
    local is_same = run.path ~= '' and capture.path(buf) == run.path or capture.identity(buf) == run.buffer
    return is_same and vim.api.nvim_buf_is_loaded(buf)
  end)
  if not buf and run.path ~= '' and vim.uv.fs_stat(run.path) then
    buf = vim.fn.bufadd(run.path)
    vim.bo[buf].buflisted = true
  end
  return buf
end

--- Go to the buffer that a run was about, in a window of its own where no window shows it.
---@param run vivek.JournalRun
---@return integer? buf nil where it cannot be shown; the user is told
local function go_to_buffer(run)
  local buf = buffer_of(run)
  if not buf then
    local gone = run.path == '' and 'The buffer of this ask was no file, and is closed.'
      or ('%s is not there any more.'):format(file_of(run))
    message.error(gone, 'Open or yank the reply.')
    return nil
  end
  local win = vim.fn.win_findbuf(buf)[1]
  if win then
    vim.api.nvim_set_current_win(win)
    return buf
  end
  return in_split(buf) and buf or nil
end

--- Show the hunks of a run again, all of them undecided.
---@param item vivek.HistoryItem
local function propose(item)
  local run = journal.load(item.run.id)
  if not run or not run.base then
    return message.error('The text that these hunks are for was not kept.', 'Open or yank the reply.')
  end
  local buf = go_to_buffer(run)
  if buf then
    local target = run.target and { run.target.first, run.target.last }
    require('vivek.proposals').show(buf, run.id, run.base, run.edits, { eol = run.eol, target = target })
  end
end

---@class vivek.HistoryAction
---@field text string
---@field run fun(item: vivek.HistoryItem, register: string)

---@param item vivek.HistoryItem
---@return vivek.HistoryAction[]
local function actions_for(item)
  local actions = { { text = 'Open', run = open }, { text = 'Yank', run = yank } }
  if item.reply.proposed then
    actions[3] = { text = 'Propose again', run = propose }
  end
  return actions
end

---@generic T
---@param items T[]
---@param prompt string
---@param text fun(item: T): string
---@param chosen fun(item: T)
local function select(items, prompt, text, chosen)
  vim.ui.select(items, { prompt = prompt, kind = 'vivek_history', format_item = text }, function(item)
    if item then
      -- A picker's window is closed by then, and the built-in question is off the screen.
      vim.schedule(function()
        vim.cmd.redraw()
        chosen(item)
      end)
    end
  end)
end

--- Choose among the replies about a buffer, or about all, and what to do with one.
---@param buf integer the source buffer
---@param options { all?: boolean }
function M.pick(buf, options)
  -- As a yank would take it: the register that was named, or the one that 'clipboard' stands for.
  local register = vim.v.register
  local about = { path = capture.path(buf), buffer = capture.identity(buf) }
  local items = items_of(journal.entries(not options.all and about or nil))
  if #items == 0 then
    local hint = options.all and '' or ' :VivekHistory! lists those about other files.'
    return message.info('There are no replies yet.' .. hint)
  end
  local function label(item)
    return label_of(item, options.all or false)
  end
  select(items, 'Replies, newest first:', label, function(item)
    local function text(action)
      return action.text
    end
    select(actions_for(item), label(item), text, function(action)
      action.run(item, register)
    end)
  end)
end

return M
