--- `:VivekFix`: from a finding to an ask, and so to a proposal with hunks.
---
--- It bridges what a review said and the words of an instruction. What it doesn't do: change the text; that
--- is for the user, who applies the hunks.

local ask = require('vivek.ask')
local chosen = require('vivek.review.chosen')
local message = require('vivek.message')

local M = {}

--- One sentence on one line.
---@param text string
---@return string
local function sentence(text)
  local line = vim.trim((text:gsub('%s+', ' ')))
  return (line == '' or line:find('[.!?]$')) and line or line .. '.'
end

--- What the model is asked to do about a finding. The line is quoted, for its number would be another one in
--- the code that the model is shown.
---@param finding vivek.Finding
---@return string
function M.instruction(finding)
  local quote = vim.trim(finding.quote:match('%S[^\n]*') or '')
  local words = { 'Fix this:', sentence(finding.message) }
  if quote ~= '' then
    table.insert(words, ('It is about the line `%s`.'):format(quote))
  end
  table.insert(words, sentence(finding.suggestion))
  return vim.trim(table.concat(words, ' '))
end

--- Ask for the finding at the cursor to be mended. In a definition all of that is the target, as for an ask
--- at the cursor: a line by itself tells a model too little. Elsewhere it is the lines of the finding.
function M.run()
  chosen.at_cursor('Fix which one?', function(buf, item)
    if item.stale or not item.first then
      return message.warn('The line of this finding has changed. Review it again.')
    end
    ask.ask({
      buf = buf,
      instruction = M.instruction(item.finding),
      range = item.finding.block == '' and { item.first, item.last } or nil,
      line = item.first,
      mode = 'coder',
    })
  end)
end

return M
