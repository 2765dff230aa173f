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

command('VivekTest', function(vivek, arguments)
  vivek.test({
    instruction = arguments.args,
    range = arguments.range > 0 and { arguments.line1, arguments.line2 } or nil,
    vertical = arguments.smods.vertical,
  })
end, {
  nargs = '*',
  range = true,
  desc = 'Propose tests of the selection, or of the function under the cursor, in the project’s tests',
})

command('VivekMode', function(vivek, arguments)
  vivek.mode(arguments.args)
end, {
  nargs = '?',
  bar = true,
  complete = complete('mode'),
  desc = 'Choose how asks are worked on: auto, coder, architect, peer or sdet',
})

command('VivekStop', function(vivek, arguments)
  vivek.stop({ all = arguments.bang })
end, { bang = true, bar = true, desc = 'Stop the run under the cursor (!: all runs)' })

---@param arguments vim.api.keyset.create_user_command.command_args
---@return vivek.Choice
local function choice(arguments)
  return {
    all = arguments.bang,
    range = arguments.range > 0 and { arguments.line1, arguments.line2 } or nil,
    theirs = arguments.args == 'theirs',
  }
end

command('VivekApply', function(vivek, arguments)
  if arguments.args ~= '' and arguments.args ~= 'theirs' then
    return require('vivek.message').error(
      ('"%s" is no way to apply a hunk.'):format(arguments.args),
      ':VivekApply theirs takes the model’s lines where yours conflict.'
    )
  end
  vivek.apply(choice(arguments))
end, {
  bang = true,
  bar = true,
  range = true,
  nargs = '?',
  complete = function()
    return { 'theirs' }
  end,
  desc = 'Apply the hunk under the cursor (!: all hunks)',
})

command('VivekReject', function(vivek, arguments)
  vivek.reject(choice(arguments))
end, { bang = true, bar = true, range = true, desc = 'Reject the hunk under the cursor (!: all hunks)' })

command('VivekRestore', function(vivek, arguments)
  vivek.restore({ all = arguments.bang })
end, { bang = true, bar = true, desc = 'Take the last reject back (!: all of them)' })

command('VivekEdit', function(vivek)
  vivek.edit()
end, { bar = true, desc = 'Edit the hunk under the cursor before it is applied' })

command('VivekDiff', function(vivek)
  vivek.diff()
end, { bar = true, desc = 'Show the proposal beside the buffer, in diff mode' })

command('VivekResume', function(vivek)
  vivek.resume()
end, { desc = 'Show again what an earlier session left open in this file' })

command('VivekNext', function(vivek, arguments)
  vivek.next(arguments.count)
end, { bar = true, count = 1, desc = 'Go to the next hunk' })

command('VivekPrev', function(vivek, arguments)
  vivek.prev(arguments.count)
end, { bar = true, count = 1, desc = 'Go to the previous hunk' })

command('VivekReview', function(vivek, arguments)
  vivek.review({
    changed = arguments.bang,
    range = arguments.range > 0 and { arguments.line1, arguments.line2 } or nil,
  })
end, { bang = true, bar = true, range = true, desc = 'Review the buffer (!: what changed since HEAD)' })

command('VivekFix', function(vivek)
  vivek.fix()
end, { bar = true, desc = 'Ask the model to mend the finding under the cursor' })

command(
  'VivekDismiss',
  function(vivek, arguments)
    vivek.dismiss({ all = arguments.bang })
  end,
  { bang = true, bar = true, desc = 'Silence the finding under the cursor for good (!: hide all for now)' }
)

command('VivekExport', function(vivek, arguments)
  vivek.export(arguments.args, { force = arguments.bang })
end, {
  bang = true,
  nargs = '?',
  complete = 'file',
  desc = 'Write the last report to a .md, .json or .sarif file (!: replace it)',
})

command('VivekNew', function(vivek)
  vivek.new()
end, { bar = true, desc = 'Begin a fresh conversation on this file' })

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
end, { bar = true, desc = 'Open the log' })

local plugs = {
  VivekMode = 'VivekMode',
  VivekStop = 'VivekStop',
  VivekRestore = 'VivekRestore',
  VivekEdit = 'VivekEdit',
  VivekDiff = 'VivekDiff',
  VivekResume = 'VivekResume',
  VivekReviewChanged = 'VivekReview!',
  VivekFix = 'VivekFix',
  VivekDismiss = 'VivekDismiss',
  VivekExport = 'VivekExport',
  VivekNew = 'VivekNew',
  VivekHistory = 'VivekHistory',
  VivekInstall = 'VivekInstall',
  VivekLog = 'VivekLog',
}
for plug, run in pairs(plugs) do
  vim.keymap.set({ 'n', 'x' }, '<Plug>(' .. plug .. ')', '<Cmd>' .. run .. '<CR>')
end

-- `.` repeats these.
local operators = {
  VivekApply = 'apply',
  VivekApplyAll = 'apply_all',
  VivekReject = 'reject',
  VivekRejectAll = 'reject_all',
}
for plug, name in pairs(operators) do
  vim.keymap.set('n', '<Plug>(' .. plug .. ')', function()
    return require('vivek.operator').keys(name)
  end, { expr = true })
end
-- ":" puts the range '<,'> before the command.
vim.keymap.set('x', '<Plug>(VivekApply)', ':VivekApply<CR>', { silent = true })
vim.keymap.set('x', '<Plug>(VivekReject)', ':VivekReject<CR>', { silent = true })
vim.keymap.set('x', '<Plug>(VivekApplyAll)', '<Cmd>VivekApply!<CR>')
vim.keymap.set('x', '<Plug>(VivekRejectAll)', '<Cmd>VivekReject!<CR>')
vim.keymap.set({ 'x', 'o' }, '<Plug>(VivekHunk)', "<Cmd>lua require('vivek.operator').select()<CR>")

for plug, name in pairs({ VivekNext = 'next', VivekPrev = 'prev' }) do
  local lhs = '<Plug>(' .. plug .. ')'
  vim.keymap.set({ 'n', 'x' }, lhs, ('<Cmd>execute v:count1 .. "%s"<CR>'):format(plug))
  vim.keymap.set('o', lhs, ("<Cmd>lua require('vivek.operator').go('%s')<CR>"):format(name))
end
vim.keymap.set('n', '<Plug>(VivekAsk)', '<Cmd>VivekAsk<CR>')
vim.keymap.set('n', '<Plug>(VivekTest)', '<Cmd>VivekTest<CR>')
-- The same: whole lines, in every visual mode.
vim.keymap.set('x', '<Plug>(VivekAsk)', ':VivekAsk<CR>', { silent = true })
vim.keymap.set('n', '<Plug>(VivekReview)', '<Cmd>VivekReview<CR>')
vim.keymap.set('x', '<Plug>(VivekReview)', ':VivekReview<CR>', { silent = true })
vim.keymap.set('x', '<Plug>(VivekTest)', ':VivekTest<CR>', { silent = true })
