--- What the events of a run tell, in words: for the spinner, the statusline and the scratch buffer.
---
--- It bridges the numbers that the Python side sends and a line of text. It writes nothing anywhere.

local M = {}

---@param value any
---@return any nil for vim.NIL
function M.given(value)
  if value ~= vim.NIL then
    return value
  end
end

local given = M.given

--- A number of things.
---@param count integer
---@param noun string
---@return string
function M.counted(count, noun)
  return ('%d %s%s'):format(count, noun, count == 1 and '' or 's')
end

---@type { severity: vivek.Severity, noun: string }[] the worst first
local SEVERITIES = {
  { severity = 'error', noun = 'error' },
  { severity = 'warning', noun = 'warning' },
  { severity = 'information', noun = 'remark' },
  { severity = 'hint', noun = 'hint' },
}

--- How many findings there are of each severity.
---@param items { finding: vivek.Finding }[]
---@return string
function M.found(items)
  local parts = {}
  for _, one in ipairs(SEVERITIES) do
    local count = #vim.tbl_filter(function(item)
      return item.finding.severity == one.severity
    end, items)
    parts[#parts + 1] = count > 0 and M.counted(count, one.noun) or nil
  end
  return #parts > 0 and table.concat(parts, ', ') or 'Nothing found'
end

--- What came of a review.
---@param result vivek.ReviewResult
---@return string
function M.reviewed(result)
  local parts = {
    M.found(vim.tbl_map(function(finding)
      return { finding = finding }
    end, result.findings)),
  }
  parts[#parts + 1] = #result.folded > 0 and ('%d unsure'):format(#result.folded) or nil
  parts[#parts + 1] = not result.complete and (result.error and 'not complete' or 'stopped') or nil
  return table.concat(parts, ' · ')
end

--- A node of the agent at work.
---@param event table
---@return string
function M.node(event)
  local attempt = given(event.attempt) or 1
  return attempt > 1 and ('%s, attempt %d'):format(event.node, attempt) or event.node
end

---@param seconds number
---@return string
local function whole_seconds(seconds)
  return ('%d s'):format(math.max(math.floor(seconds + 0.5), 0))
end

--- The share is told where the server tells how far it is, the time left where an estimate can be made.
---@param done? integer
---@param total? integer prompt tokens
---@param seconds_left? number
---@return string
local function reading(done, total, seconds_left)
  local text = 'reading'
  if total and total > 0 then
    text = (done or 0) > 0
        and ('reading %d of %d tokens (%d %%)'):format(done, total, math.floor(100 * done / total + 0.5))
      or ('reading %d tokens'):format(total)
  end
  return seconds_left and ('%s, about %s left'):format(text, whole_seconds(seconds_left)) or text
end

---@param word string
---@param event table
---@return string
local function with_share(word, event)
  local done, total = given(event.done) or 0, given(event.total) or 0
  return done > 0 and total > 0 and ('%s %d %%'):format(word, math.floor(100 * done / total + 0.5)) or word
end

---@type table<string, fun(event: table): string>
local PHASES = {
  queued = function(event)
    local ahead = given(event.ahead) or 0
    return ahead > 0 and ('waiting for the model, %d before this one'):format(ahead)
      or 'waiting for the model'
  end,
  loading = function(event)
    local done, total = given(event.done), given(event.total)
    local share = done and total and total > 0 and math.floor(100 * done / total + 0.5)
    return share and ('loading the model (%d %%)'):format(share) or 'loading the model'
  end,
  reading = function(event)
    return reading(given(event.done), given(event.total), given(event.seconds_left))
  end,
  writing = function(event)
    local rate = given(event.tokens_per_second) or 0
    local text = 'writing · ' .. M.counted(given(event.tokens) or 0, 'token')
    return rate > 0 and ('%s · %.1f tokens/s'):format(text, rate) or text
  end,
  running = function()
    return 'running the examples and tests'
  end,
  checking = function()
    return 'checking with static tools'
  end,
  reviewing = function()
    return 'reviewing'
  end,
}

--- Where a phase of a model call stands.
---@param event table
---@return string
function M.phase(event)
  local words = PHASES[event.phase]
  return words and words(event) or event.phase
end

--- The block that a review is at: each is read for itself, and how many there are is what a user waits for.
---@param event table
---@return string
function M.block(event)
  local block, blocks = given(event.block), given(event.blocks)
  return block and blocks and ('block %d of %d · '):format(block, blocks) or ''
end

---@type table<string, fun(event: table): string>
local BRIEF_PHASES = {
  reviewing = function(event)
    return with_share('reviewing', event)
  end,
  queued = function()
    return 'waiting'
  end,
  loading = function(event)
    return with_share('loading', event)
  end,
  reading = function(event)
    return with_share('reading', event)
  end,
  writing = function(event)
    return 'writing ' .. M.counted(given(event.tokens) or 0, 'token')
  end,
}

--- A call that failed in a way that may pass, and is made again.
---@param event table
---@return string
function M.retry(event)
  return ('%s Trying again in %s (try %d).'):format(event.reason, whole_seconds(event.seconds), event.attempt)
end

---@class vivek.Doing what a run is doing
---@field node? string the node at work
---@field text string
---@field brief string the same for a line that tells of several runs

--- A run of which nothing was heard yet.
---@type vivek.Doing
M.STARTING = { text = 'starting', brief = 'starting' }

---@type table<string, fun(event: table, before: vivek.Doing): vivek.Doing>
local DOING = {
  start = function()
    return { text = 'planning', brief = 'planning' }
  end,
  node = function(event)
    local node = M.node(event)
    return { node = node, text = node, brief = node }
  end,
  progress = function(event, before)
    local brief = BRIEF_PHASES[event.phase]
    return {
      node = before.node,
      text = M.block(event) .. M.phase(event),
      brief = brief and brief(event) or event.phase,
    }
  end,
  retry = function(event, before)
    return { node = before.node, text = M.retry(event), brief = 'waiting to try again' }
  end,
  done = function(event)
    local text = M.result(event.result)
    return { text = text, brief = text }
  end,
  reviewed = function(event)
    local text = M.reviewed(event.result)
    return { text = text, brief = text }
  end,
  error = function(event)
    return { text = event.error.message, brief = event.error.message }
  end,
}

--- What a run is doing after an event of it.
---@param event table
---@param before vivek.Doing
---@return vivek.Doing
function M.doing(event, before)
  local tell = DOING[event.kind]
  return tell and tell(event, before) or before
end

--- How many of several runs are doing the same, the first ones first.
---@param briefs string[]
---@return string
local function tally(briefs)
  local counts, words = {}, {}
  for _, brief in ipairs(briefs) do
    local word = brief:match('^%a+') or brief
    if not counts[word] then
      words[#words + 1] = word
    end
    counts[word] = (counts[word] or 0) + 1
  end
  return table.concat(
    vim.tbl_map(function(word)
      return ('%d %s'):format(counts[word], word)
    end, words),
    ', '
  )
end

--- What several runs are doing, in one line: of each where there is room, else how many do what.
---@param all vivek.Doing[]
---@param room integer columns
---@return string
function M.several(all, room)
  local briefs = vim.tbl_map(function(doing)
    return doing.brief
  end, all)
  local head = M.counted(#briefs, 'run') .. ' · '
  local line = head .. table.concat(briefs, ' | ')
  return vim.fn.strdisplaywidth(line) <= room and line or head .. tally(briefs)
end

--- How long something takes already; nothing for a short while.
---@param seconds number
---@return string
function M.elapsed(seconds)
  return seconds >= 2 and (' · %d s'):format(math.floor(seconds)) or ''
end

--- The model that answers, and why it was chosen.
---@param event table
---@return string
function M.model(event)
  local parts = { event.model, event.backend }
  local reason = given(event.reason)
  if reason and reason ~= '' then
    parts[3] = reason
  end
  return table.concat(parts, ' · ')
end

---@param result table
---@return string
local function outcome(result)
  local placed = result.placed
  if placed then
    local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(placed.buf), ':~:.')
    return ('%s in %s'):format(M.counted(placed.hunks, 'hunk'), name)
  elseif #result.edits > 0 then
    return M.counted(#result.edits, 'hunk')
  end
  return given(result.answer) and result.answer ~= '' and 'Answered' or 'No changes'
end

--- What came of a run, and what it cost.
---@param result table
---@return string
function M.result(result)
  local stats, parts = given(result.stats) or {}, { outcome(result) }
  local function add(format, value, ...)
    if given(value) ~= nil then
      parts[#parts + 1] = format:format(value, ...)
    end
  end
  if result.stopped == true then
    parts[#parts + 1] = 'stopped'
  end
  if result.route ~= 'answer' then
    add('score %.2f', result.score)
  end
  add('%s', given(result.iterations) and M.counted(result.iterations, 'attempt'))
  add('%s', given(stats.prompt_tokens) and M.counted(stats.prompt_tokens, 'token') .. ' read')
  add('%d written', stats.tokens)
  add('%.1f tokens/s', stats.tokens_per_second)
  add('%.1f s', stats.seconds)
  return table.concat(parts, ' · ')
end

return M
