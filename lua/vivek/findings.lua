--- What a review found in a buffer, as long as it is shown: while the review goes on, after its end, and
--- through the edits of the user.
---
--- It bridges the findings that Python sends and whoever shows them. What it doesn't do: judge, or draw.

local place = require('vivek.review.place')
local text = require('vivek.text')
local watch = require('vivek.watch')

local M = {}

---@alias vivek.Severity 'error'|'warning'|'information'|'hint'

---@class vivek.Finding as the Python side sends it
---@field path string
---@field line integer 1-based
---@field end_line integer inclusive
---@field severity vivek.Severity
---@field category string
---@field source string who says so
---@field confidence number from 0 to 1
---@field quote string the lines that it finds fault with
---@field message string
---@field suggestion string
---@field key string by which it is dismissed
---@field block? string the definition that it lies in, '' outside of any

---@class vivek.FoundItem a finding, and where it is now
---@field finding vivek.Finding
---@field folded boolean whether it is too unsure to be shown as fact
---@field native boolean whether the buffer shows it already, in a namespace of someone else
---@field reviewed string the text of its lines, but for white space
---@field mark? integer
---@field first? integer 1-based; nil where its lines are gone
---@field last? integer inclusive
---@field stale boolean whether its lines do not say any more what they said

---@class vivek.Skipped lines that were not looked at
---@field line integer
---@field end_line integer
---@field reason string

---@class vivek.ReviewResult
---@field findings vivek.Finding[]
---@field folded vivek.Finding[]
---@field skipped vivek.Skipped[]
---@field dismissed integer how many are silenced for good
---@field ungrounded integer how many quoted what is not there
---@field calls table[]
---@field complete boolean
---@field error? { message: string, hint: string } what it ended of before its end, where it was not stopped
---@field summary string

---@class vivek.Findings
---@field buf integer
---@field run string
---@field base string[] the lines that were reviewed, as Neovim holds them
---@field native table<string, true> what the buffer's other diagnostics say, by line and source
---@field items vivek.FoundItem[]
---@field silenced table<string, true> keys that were dismissed since
---@field result? vivek.ReviewResult once the review has ended
---@field failure? string why it has ended without a result
---@field before? vivek.Findings those of the review before, as long as this one may come to nothing
---@field due boolean
---@field anew boolean whether there are others than were shown last
---@field took number ms that the last look at all of them took
---@field lists? vivek.ListKeeper[] Neovim's lists of them, once there are any
---@field stop fun()
---@field on_change fun(found: vivek.Findings)

-- What comes in one go is shown in one go. Where that takes long, since there is much, it is done less often:
-- the user's keys come first.
local DELAY_MS, SHARE = 100, 0.2
-- As Python calls a server that does not give its name.
local NAMELESS = 'language server'

---@type table<vivek.Severity, integer>
M.RANKS = { error = 1, warning = 2, information = 3, hint = 4 }

---@type table<integer, vivek.Findings> by buffer
local found_in = {}

---@param found vivek.Findings
local function sort(found)
  table.sort(found.items, function(a, b)
    local one, other = a.finding, b.finding
    if one.severity ~= other.severity then
      return M.RANKS[one.severity] < M.RANKS[other.severity]
    elseif one.line ~= other.line then
      return one.line < other.line
    end
    return one.key < other.key
  end)
end

--- Look where all of them are, and have them shown where that has changed.
---@param found vivek.Findings
function M.refresh(found)
  found.due = false
  if found_in[found.buf] ~= found or not vim.api.nvim_buf_is_loaded(found.buf) then
    return
  end
  local began = vim.uv.hrtime()
  sort(found)
  ---@type vivek.Region[]?
  local regions
  local function changes()
    regions = regions or text.diff(found.base, vim.api.nvim_buf_get_lines(found.buf, 0, -1, false))
    return regions
  end
  for _, item in ipairs(found.items) do
    found.anew = place.locate(found.buf, item, changes) or found.anew
  end
  if found.anew then
    found.anew = false
    found.on_change(found)
  end
  found.took = (vim.uv.hrtime() - began) / 1e6
end

---@param found vivek.Findings
local function refresh_soon(found)
  if not found.due then
    found.due = true
    vim.defer_fn(function()
      M.refresh(found)
    end, math.max(DELAY_MS, math.floor(found.took / SHARE)))
  end
end

--- What the review before this one has found will not be wanted again.
---@param found vivek.Findings
local function forget_before(found)
  for _, item in ipairs(found.before and found.before.items or {}) do
    place.erase(found.buf, item)
  end
  found.before = nil
end

---@param found vivek.Findings
---@return fun() stop
local function follow(found)
  local function changed()
    refresh_soon(found)
  end
  return watch.buffer(found.buf, {
    text = changed,
    reloaded = changed,
    gone = function()
      found.stop()
      found_in[found.buf] = nil
    end,
  })
end

---@param line integer
---@param source string
---@return string
local function native_key(line, source)
  return ('%d\0%s'):format(line, source == '' and NAMELESS or source)
end

--- Begin a review of a buffer. What an earlier one has found leaves the screen.
---@param buf integer
---@param run string
---@param base string[] the lines that are reviewed, as Neovim holds them
---@param diagnostics vivek.CapturedDiagnostic[] what others say of them, and the buffer shows
---@param on_change fun(found: vivek.Findings) shows them
---@return vivek.Findings
function M.begin(buf, run, base, diagnostics, on_change)
  local native = {}
  for _, item in ipairs(diagnostics) do
    native[native_key(item.line, item.source)] = true
  end
  local before = found_in[buf]
  if before then
    before.stop()
    forget_before(before)
  end
  ---@type vivek.Findings
  local found = {
    buf = buf,
    run = run,
    base = base,
    native = native,
    items = {},
    silenced = {},
    before = before,
    due = false,
    anew = true,
    took = 0,
    stop = function() end,
    on_change = on_change,
  }
  found.stop = follow(found)
  found_in[buf] = found
  M.refresh(found)
  return found
end

---@param found vivek.Findings
---@param finding vivek.Finding
---@param folded boolean
local function add(found, finding, folded)
  local count = #found.base
  finding.line = math.min(math.max(finding.line, 1), math.max(count, 1))
  finding.end_line = math.min(math.max(finding.end_line, finding.line), math.max(count, 1))
  table.insert(found.items, {
    finding = finding,
    folded = folded,
    native = found.native[native_key(finding.line, finding.source)] or false,
    reviewed = place.bare(vim.list_slice(found.base, finding.line, finding.end_line)),
    stale = false,
  })
end

--- Take in a finding while the review goes on.
---@param found vivek.Findings
---@param finding vivek.Finding
---@param folded boolean
function M.add(found, finding, folded)
  if not found.silenced[finding.key] then
    add(found, finding, folded)
    found.anew = true
    refresh_soon(found)
  end
end

---@param finding vivek.Finding
---@return string
local function identity(finding)
  return ('%s\0%d'):format(finding.key, finding.line)
end

--- Take in what a review has come to: it is the last word on what came before.
---@param found vivek.Findings
---@param result vivek.ReviewResult
function M.settle(found, result)
  local known = {}
  for _, item in ipairs(found.items) do
    known[identity(item.finding)] = item
  end
  local items = found.items
  found.items, found.result, found.anew = {}, result, true
  forget_before(found)
  for _, folded in ipairs({ false, true }) do
    for _, finding in ipairs(folded and result.folded or result.findings) do
      if not found.silenced[finding.key] then
        add(found, finding, folded)
        local item, earlier = found.items[#found.items], known[identity(finding)]
        if earlier then
          item.mark, earlier.mark = earlier.mark, nil
        end
      end
    end
  end
  for _, item in ipairs(items) do
    place.erase(found.buf, item)
  end
  M.refresh(found)
end

--- A review has failed, or was stopped without a result. What it has found stays; where that is nothing, what
--- the one before it had found is shown again.
---@param found vivek.Findings
---@param failure string
function M.fail(found, failure)
  local before = found.before
  found.failure, found.anew = failure, true
  if before and #found.items == 0 and found_in[found.buf] == found then
    found.stop()
    before.stop = follow(before)
    found_in[found.buf], before.anew = before, true
    M.refresh(before)
  else
    forget_before(found)
    M.refresh(found)
  end
end

---@param found vivek.Findings
---@param keep fun(item: vivek.FoundItem): boolean
local function filter(found, keep)
  found.items = vim.tbl_filter(function(item)
    local kept = keep(item)
    if not kept then
      place.erase(found.buf, item)
    end
    return kept
  end, found.items)
  found.anew = true
  M.refresh(found)
end

--- A finding was dismissed: it is shown nowhere any more.
---@param key string
function M.silence(key)
  for _, found in pairs(found_in) do
    found.silenced[key] = true
    filter(found, function(item)
      return item.finding.key ~= key
    end)
  end
end

--- Take all findings of a buffer off the screen.
---@param buf integer
function M.clear(buf)
  local found = found_in[buf]
  if found then
    filter(found, function()
      return false
    end)
  end
end

--- What the last review of a buffer has found.
---@param buf integer
---@return vivek.Findings?
function M.of(buf)
  return found_in[buf]
end

--- The findings that are shown on a line, the gravest first.
---@param buf integer
---@param line integer 1-based
---@return vivek.FoundItem[]
function M.at(buf, line)
  local found = found_in[buf]
  return vim.tbl_filter(function(item)
    return not item.folded and item.first ~= nil and item.first <= line and line <= item.last
  end, found and found.items or {})
end

return M
