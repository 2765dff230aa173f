-- Commands and <Plug> maps. Nothing is required, and no process started, until one of them is used.

if vim.g.loaded_vivek then
  return
end
vim.g.loaded_vivek = true

---@param name string
---@param run fun(vivek: table, command: vim.api.keyset.create_user_command.command_args)
---@param attributes vim.api.keyset.user_command
local function command(name, run, attributes)
  vim.api.nvim_create_user_command(name, function(arguments)
    run(require('vivek'), arguments)
  end, attributes)
end

---@param function_name string
---@return fun(lead: string, line: string): string[]
local function complete(function_name)
  return function(lead, line)
    return require('vivek.complete')[function_name](lead, line)
  end
end

command('VivekAsk', function(vivek, arguments)
  vivek.ask({
    instruction = arguments.args,
    range = arguments.range > 0 and { arguments.line1, arguments.line2 } or nil,
  })
end, {
  nargs = '*',
  range = true,
  complete = complete('instruction'),
  desc = 'Ask the model to change the selection, or the function under the cursor',
})

command('VivekStop', function(vivek)
  vivek.stop()
end, { desc = 'Stop the model' })

command('VivekApply', function(vivek, arguments)
  vivek.apply({ all = arguments.bang })
end, { bang = true, desc = 'Apply the hunk under the cursor (!: all hunks)' })

command('VivekReject', function(vivek, arguments)
  vivek.reject({ all = arguments.bang })
end, { bang = true, desc = 'Reject the hunk under the cursor (!: all hunks)' })

command('VivekNext', function(vivek, arguments)
  vivek.next(arguments.count)
end, { count = 1, desc = 'Go to the next hunk' })

command('VivekPrev', function(vivek, arguments)
  vivek.prev(arguments.count)
end, { count = 1, desc = 'Go to the previous hunk' })

command('VivekNew', function(vivek)
  vivek.new()
end, { desc = 'Begin a fresh conversation on this file' })

command('VivekHistory', function(vivek, arguments)
  vivek.history({ all = arguments.bang })
end, { bang = true, desc = 'List what the model replied about this buffer (!: about every file)' })

command('VivekInstall', function(vivek, arguments)
  vivek.install(unpack(arguments.fargs))
end, {
  nargs = '*',
  complete = complete('install'),
  desc = 'Install the Python part of Vivek, or a model',
})

command('VivekLog', function(vivek)
  vivek.log()
end, { desc = 'Open the log' })

local plugs = {
  VivekStop = 'VivekStop',
  VivekApply = 'VivekApply',
  VivekApplyAll = 'VivekApply!',
  VivekReject = 'VivekReject',
  VivekRejectAll = 'VivekReject!',
  VivekNew = 'VivekNew',
  VivekHistory = 'VivekHistory',
  VivekInstall = 'VivekInstall',
  VivekLog = 'VivekLog',
}
for plug, run in pairs(plugs) do
  vim.keymap.set({ 'n', 'x' }, '<Plug>(' .. plug .. ')', '<Cmd>' .. run .. '<CR>')
end
for _, plug in ipairs({ 'VivekNext', 'VivekPrev' }) do
  vim.keymap.set({ 'n', 'x' }, '<Plug>(' .. plug .. ')', ('<Cmd>execute v:count1 .. "%s"<CR>'):format(plug))
end
vim.keymap.set('n', '<Plug>(VivekAsk)', '<Cmd>VivekAsk<CR>')
-- ":" puts the range '<,'> before the command: whole lines, in every visual mode.
vim.keymap.set('x', '<Plug>(VivekAsk)', ':VivekAsk<CR>', { silent = true })
