--- A run as its records tell of it.
---
--- It bridges the records of a file and what is known of the run. Records that are torn, or of a kind that a
--- later version made, are passed over. What it doesn't do: write, or know which runs are at work.

local records = require('vivek.records')

local M = {}

---@class vivek.JournalReply one reply of a model, raw
---@field node string
---@field attempt integer
---@field model? string
---@field text string
---@field proposed? boolean whether the run's hunks were made of it

---@class vivek.JournalRun what is known of a run
---@field id string
---@field created number seconds since 1970
---@field path string '' where the buffer was no file
---@field buffer string the buffer's identity
---@field filetype string
---@field instruction string
---@field eol boolean whether the base text ended in a newline
---@field replies vivek.JournalReply[] in the order in which they came
---@field edits? vivek.TextEdit[] what was proposed
---@field target? { first: integer, last: integer }
---@field marks table<integer, table> what became of the hunks, by their ids
---@field finish? vivek.JournalFinish nil while it runs, and where Neovim was killed
---@field running boolean whether it is at work in this Neovim
---@field base? string[] the lines that the edits are made for, as Neovim holds them; from `load()` alone

--- The tag says what a piece of text is part of: of a reply that came whole, no piece is unpacked.
---@param node string
---@param attempt integer
---@return string
function M.text_tag(node, attempt)
  return ('text:%s:%d'):format(node, attempt)
end

---@class vivek.Fold a run while it is read back
---@field run vivek.JournalRun
---@field growing { tag: string, pieces: vivek.Record[] }? the reply of which only pieces have come
---@field model string?
---@field chosen integer? the attempt that the hunks were made of

---@param fold vivek.Fold
---@param reply vivek.JournalReply
local function add_reply(fold, reply)
  if reply.text ~= '' then
    reply.model = reply.model or fold.model
    table.insert(fold.run.replies, reply)
  end
end

--- No more pieces come: they are the reply.
---@param fold vivek.Fold
local function close_reply(fold)
  local growing = fold.growing
  fold.growing = nil
  if growing then
    local node, attempt = growing.tag:match('^text:(.*):(%d+)$')
    local text = vim.iter(growing.pieces):map(records.unpack):join('')
    add_reply(fold, { node = node, attempt = tonumber(attempt), text = text })
  end
end

---@param fold vivek.Fold
---@param record vivek.Record
local function grow(fold, record)
  if not fold.growing or fold.growing.tag ~= record.tag then
    close_reply(fold)
    fold.growing = { tag = record.tag, pieces = {} }
  end
  table.insert(fold.growing.pieces, record)
end

---@type table<string, fun(fold: vivek.Fold, value: any)>
local FOLD = {
  model = function(fold, model)
    fold.model = model
  end,
  reply = function(fold, reply)
    local tag = M.text_tag(reply.node, reply.attempt)
    if fold.growing and fold.growing.tag == tag and reply.text ~= '' then
      fold.growing = nil
    end
    close_reply(fold)
    add_reply(fold, reply)
  end,
  -- What came before is void, and the reply begins anew.
  retry = close_reply,
  path = function(fold, path)
    fold.run.path = path
  end,
  chosen = function(fold, attempt)
    fold.chosen = attempt
  end,
  proposal = function(fold, proposal)
    fold.run.edits, fold.run.target = proposal.edits, proposal.target
  end,
  marks = function(fold, marks)
    for _, pair in ipairs(marks) do
      fold.run.marks[pair[1]] = pair[2]
    end
  end,
  finish = function(fold, finish)
    close_reply(fold)
    if #fold.run.replies == 0 and finish.reply then
      add_reply(fold, { node = 'executor', attempt = 1, text = finish.reply })
    end
    fold.run.finish = { kind = finish.kind, text = finish.text }
  end,
}

--- The reply that the hunks were made of: the last one of the attempt that was chosen.
---@param fold vivek.Fold
local function mark_proposed(fold)
  local reply = vim.iter(fold.run.replies):rfind(function(reply)
    return reply.node == 'executor' and reply.attempt == (fold.chosen or reply.attempt)
  end)
  if reply then
    reply.proposed = fold.run.edits ~= nil
  end
end

---@param fold vivek.Fold
---@param record vivek.Record
local function take(fold, record)
  local kind = record.tag:match('^%a+')
  if kind == 'text' then
    return grow(fold, record)
  end
  -- A later version may know more kinds, and a torn record has no value.
  local value = FOLD[kind] and records.unpack(record)
  if value ~= nil then
    FOLD[kind](fold, value)
  end
end

--- A run, without the text that its edits are made for.
---@param name string the file's
---@return vivek.JournalRun? run nil where the file is gone, or not even its beginning is whole
function M.read(name)
  local fold
  for _, record in ipairs(records.read(name)) do
    if fold then
      take(fold, record)
    elseif record.tag == 'run' then
      local run = records.unpack(record)
      fold = run and { run = vim.tbl_extend('error', run, { replies = {}, marks = {} }) }
    end
  end
  if fold then
    close_reply(fold)
    mark_proposed(fold)
    return fold.run
  end
end

--- Whether nothing more can be done about a hunk: a proposal tells by its state or its verdict.
---@param mark table
---@return boolean
local function is_settled(mark)
  return mark.state == 'rejected' or mark.state == 'written' or mark.verdict == 'written'
end

--- Whether something was proposed that is neither rejected nor on disk.
---@param run vivek.JournalRun
---@return boolean
function M.is_unsettled(run)
  if not run.edits then
    return false
  end
  local marks = vim.tbl_values(run.marks)
  return #marks == 0 or not vim.iter(marks):all(is_settled)
end

return M
