--- What the report of a review says, as lines of Markdown, and which finding each line is about.
---
--- It bridges findings and the report's buffer. It writes nothing anywhere.

local diagnostics = require('vivek.review.diagnostics')
local report = require('vivek.report')

local M = {}

---@class vivek.ReviewPart lines of the report that are about one place
---@field first integer 1-based line of the report
---@field last integer inclusive
---@field item? vivek.FoundItem
---@field line? integer of the source, as it was reviewed, where it is about no finding

---@class vivek.ReviewPage
---@field lines string[]
---@field parts vivek.ReviewPart[]
---@field fold? [integer, integer] the lines that are folded away, 1-based and inclusive

---@class vivek.ReviewTold what is told of a review besides its findings
---@field name string of the file
---@field filetype string
---@field model? string who was asked, once it is known
---@field notices string[]

local MOST_QUOTED = 6
-- Nobody reads more, and to write thousands of them anew takes seconds.
local MOST_TOLD = 200

--- Words of a model or a tool, so that they cannot become headings or fences.
---@param text string
---@return string
local function plain(text)
  return vim.trim((text:gsub('[%s%z]+', ' ')))
end

---@param page vivek.ReviewPage
---@param ... string
local function add(page, ...)
  vim.list_extend(page.lines, { ... })
end

---@param first integer
---@param last integer
---@return string
local function lines_of(first, last)
  return first == last and ('Line %d'):format(first) or ('Lines %d to %d'):format(first, last)
end

---@param item vivek.FoundItem
---@return string
local function place(item)
  local finding = item.finding
  if not item.first then
    return lines_of(finding.line, finding.end_line) .. ', which is gone'
  end
  return lines_of(item.first, item.last) .. (item.stale and ', which has changed' or '')
end

---@param page vivek.ReviewPage
---@param quote string
---@param filetype string
local function add_quote(page, quote, filetype)
  local lines = vim.split((quote:gsub('%z', '␀')), '\n', { plain = true })
  local longest = 2
  for _, line in ipairs(lines) do
    for run in line:gmatch('`+') do
      longest = math.max(longest, #run)
    end
  end
  local fence = ('`'):rep(longest + 1)
  add(page, '', fence .. filetype)
  vim.list_extend(page.lines, vim.list_slice(lines, 1, MOST_QUOTED))
  add(page, fence)
end

---@param page vivek.ReviewPage
---@param item vivek.FoundItem
---@param filetype string
local function add_finding(page, item, filetype)
  local finding = item.finding
  local first = #page.lines + 1
  add(page, ('### %s: %s'):format(place(item), plain(finding.message)))
  if vim.trim(finding.quote) ~= '' then
    add_quote(page, finding.quote, filetype)
  end
  add(page, '')
  if vim.trim(finding.suggestion) ~= '' then
    add(page, plain(finding.suggestion))
  end
  add(page, ('*%s, %s*'):format(finding.category, diagnostics.source(finding)), '')
  table.insert(page.parts, { first = first, last = #page.lines, item = item })
end

---@param items vivek.FoundItem[]
---@param folded boolean
---@return vivek.FoundItem[]
local function some(items, folded)
  return vim.tbl_filter(function(item)
    return item.folded == folded
  end, items)
end

---@param page vivek.ReviewPage
---@param items vivek.FoundItem[]
---@param filetype string
local function add_findings(page, items, filetype)
  local severity
  for index, item in ipairs(vim.list_slice(items, 1, MOST_TOLD)) do
    if item.finding.severity ~= severity then
      severity = item.finding.severity
      local same = vim.tbl_filter(function(other)
        return other.finding.severity == severity
      end, vim.list_slice(items, index))
      add(page, '## ' .. report.found(same), '')
    end
    add_finding(page, item, filetype)
  end
  if #items > MOST_TOLD then
    add(page, ('%d more are in the buffer and in the lists.'):format(#items - MOST_TOLD), '')
  end
end

---@param page vivek.ReviewPage
---@param items vivek.FoundItem[]
---@param filetype string
local function add_folded(page, items, filetype)
  if #items == 0 then
    return
  end
  add(page, ('## Unsure: %d'):format(#items), '')
  add(page, 'The model said these. Such findings are wrong more often than not, and count for nothing.')
  local first = #page.lines + 1
  add(page, '')
  for _, item in ipairs(vim.list_slice(items, 1, MOST_TOLD)) do
    add_finding(page, item, filetype)
  end
  if #items > MOST_TOLD then
    add(page, ('%d more are left out.'):format(#items - MOST_TOLD), '')
  end
  -- A blank line stays between the fold and what follows.
  page.fold = { first, #page.lines - 1 }
end

---@param page vivek.ReviewPage
---@param skipped vivek.Skipped[]
local function add_skipped(page, skipped)
  if #skipped == 0 then
    return
  end
  add(page, '## Not looked at', '')
  for _, one in ipairs(skipped) do
    add(page, ('- %s: %s'):format(lines_of(one.line, one.end_line), plain(one.reason)))
    table.insert(page.parts, { first = #page.lines, last = #page.lines, line = one.line })
  end
  add(page, '')
end

--- What became of those that are not shown, and who was asked.
---@param result? vivek.ReviewResult
---@param told vivek.ReviewTold
---@return string[]
local function notes(result, told)
  local lines = {}
  if result and result.dismissed > 0 then
    table.insert(lines, ('Dismissed for good: %d.'):format(result.dismissed))
  end
  if result and result.ungrounded > 0 then
    table.insert(lines, ('Dropped, for they quoted what is not there: %d.'):format(result.ungrounded))
  end
  vim.list_extend(lines, vim.tbl_map(plain, told.notices))
  if told.model then
    local calls = result and (', ' .. report.counted(#result.calls, 'call')) or ''
    table.insert(lines, ('Model: %s%s.'):format(plain(told.model), calls))
  end
  return lines
end

---@param found vivek.Findings
---@return string[]
local function overall(found)
  local result = found.result
  local summary = result and result.summary or report.found(some(found.items, false))
  local failure = found.failure or (result and result.error and result.error.message)
  if failure then
    return { ('**Not complete:** %s'):format(plain(failure)), '', plain(summary) }
  elseif not result then
    return { summary .. ' so far.' }
  elseif not result.complete then
    return { '**Not complete:** it was stopped.', '', plain(summary) }
  end
  return { plain(summary) }
end

--- The report on what was found.
---@param found vivek.Findings
---@param told vivek.ReviewTold
---@return vivek.ReviewPage
function M.of(found, told)
  ---@type vivek.ReviewPage
  local page = { lines = { '# Review of ' .. plain(told.name), '' }, parts = {} }
  vim.list_extend(page.lines, overall(found))
  add(page, '')
  add_findings(page, some(found.items, false), told.filetype)
  add_folded(page, some(found.items, true), told.filetype)
  add_skipped(page, found.result and found.result.skipped or {})
  local about = notes(found.result, told)
  if #about > 0 then
    add(page, '## About this review', '')
    vim.list_extend(
      page.lines,
      vim.tbl_map(function(note)
        return '- ' .. note
      end, about)
    )
  end
  return page
end

return M
