--- Files of records to which records are only ever added: what is written stays, whatever ends Neovim.
---
--- It bridges Lua values and the lines of a file. A record is one line: a tag, and the value as MessagePack,
--- which takes any bytes, in Base64, which holds no line break. A line that was torn while it was written
--- holds no whole MessagePack, so it costs nothing but itself. Where the disk takes no more, a file goes on
--- in memory, and the user is told once. What it doesn't do: know what the records mean.

local message = require('vivek.message')

local M = {}

local OWNER_ALONE, OWNERS_FOLDER = tonumber('600', 8), tonumber('700', 8)
local CREATE = bit.bor(vim.uv.constants.O_WRONLY, vim.uv.constants.O_CREAT, vim.uv.constants.O_EXCL)
-- Without O_CREAT: a file that another Neovim has removed must not come back without its beginning.
local APPEND = bit.bor(vim.uv.constants.O_WRONLY, vim.uv.constants.O_APPEND)
local RECORDS, VALUE = '.records', '.value'

---@class vivek.Record
---@field tag string without blanks
---@field packed string

---@class vivek.InMemory what is not on disk of a file
---@field lines string[]
---@field value? string

---@type table<string, vivek.InMemory> by the file's name
local memory = {}
local told = false

--- Where the files are.
---@return string
function M.folder()
  return vim.fs.normalize(vim.fn.stdpath('state') .. '/vivek/journal')
end

---@param name string
---@param suffix string
---@return string
local function path_of(name, suffix)
  return M.folder() .. '/' .. name .. suffix
end

--- A record begins with the line break, not ends with it: so it stands on a line of its own also behind a
--- torn one.
---@param tag string
---@param value any
---@return string
local function line_of(tag, value)
  return ('\n%s %s'):format(tag, vim.base64.encode(vim.mpack.encode(value)))
end

---@param bytes string
---@return any value nil where the bytes are not whole
local function decoded(bytes)
  local whole, value = pcall(vim.mpack.decode, bytes)
  return whole and value or nil
end

---@param file integer
---@param bytes string
---@return string? failure
local function write_all(file, bytes)
  local from = 1
  while from <= #bytes do
    local written, failure = vim.uv.fs_write(file, bytes:sub(from))
    if not written then
      return failure
    end
    from = from + written
  end
end

---@param path string
---@param flags integer
---@param bytes string
---@return string? failure
---@return string? code such as ENOENT
local function put(path, flags, bytes)
  local file, failure, code = vim.uv.fs_open(path, flags, OWNER_ALONE)
  if not file then
    return failure, code
  end
  failure = write_all(file, bytes)
  vim.uv.fs_close(file)
  return failure
end

--- The bytes of a file; none where it is gone.
---@param path string
---@return string
local function slurp(path)
  local file = vim.uv.fs_open(path, 'r', OWNER_ALONE)
  if not file then
    return ''
  end
  local stat = vim.uv.fs_fstat(file)
  local bytes = stat and vim.uv.fs_read(file, stat.size, 0)
  vim.uv.fs_close(file)
  return bytes or ''
end

--- Make the folder, for its owner alone.
---@return string? failure
local function prepare()
  local made, failure = pcall(vim.fn.mkdir, M.folder(), 'p', OWNERS_FOLDER)
  if not made then
    return (failure:gsub('^Vim:', ''))
  end
  vim.uv.fs_chmod(M.folder(), OWNERS_FOLDER)
end

---@param failure string
local function tell(failure)
  message.log(('%s: %s'):format(M.folder(), failure))
  if not told then
    told = true
    message.error_line(
      'The history cannot be written: ' .. failure,
      'Until Neovim ends, :VivekHistory has it all the same.'
    )
  end
end

---@param name string
---@return vivek.InMemory
local function held(name)
  memory[name] = memory[name] or { lines = {} }
  return memory[name]
end

---@class vivek.NewFile
---@field tag string of the first record
---@field record any
---@field value? any goes into a file beside it, which is read on demand alone
---@field on_disk boolean

--- Begin a file.
---@param name string
---@param new vivek.NewFile
function M.create(name, new)
  local line, value = line_of(new.tag, new.record), new.value ~= nil and vim.mpack.encode(new.value) or nil
  if not new.on_disk then
    memory[name] = { lines = { line }, value = value }
    return
  end
  local failure = prepare() or put(path_of(name, RECORDS), CREATE, line)
  if failure then
    held(name).lines = { line }
  end
  local lost = value and (failure or put(path_of(name, VALUE), CREATE, value))
  if lost then
    held(name).value = value
  end
  if failure or lost then
    tell(failure or lost --[[@as string]])
  end
end

--- Add a record. A file that is gone, here or by another Neovim, stays gone.
---@param name string
---@param tag string
---@param value any plain data, not nil; its lists have no holes
function M.append(name, tag, value)
  local line = line_of(tag, value)
  -- Once a record is in memory, those after it must not come before it.
  if memory[name] and #memory[name].lines > 0 then
    table.insert(memory[name].lines, line)
    return
  end
  local failure, code = put(path_of(name, RECORDS), APPEND, line)
  if failure and code ~= 'ENOENT' then
    held(name).lines = { line }
    tell(failure)
  end
end

--- The records of a file, in the order in which they were added.
---@param name string
---@return vivek.Record[]
function M.read(name)
  local records = {}
  local text = slurp(path_of(name, RECORDS)) .. table.concat(memory[name] and memory[name].lines or {})
  for tag, packed in text:gmatch('\n([^ \n]+) ([^ \n]+)') do
    records[#records + 1] = { tag = tag, packed = packed }
  end
  return records
end

--- The value of a record; nil of a torn one.
---@param record vivek.Record
---@return any
function M.unpack(record)
  local whole, bytes = pcall(vim.base64.decode, record.packed)
  return whole and decoded(bytes) or nil
end

--- The value that stands beside a file; nil where it never got there whole.
---@param name string
---@return any
function M.value(name)
  return decoded(memory[name] and memory[name].value or slurp(path_of(name, VALUE)))
end

--- Whether a file is there.
---@param name string
---@return boolean
function M.exists(name)
  return memory[name] ~= nil or vim.uv.fs_stat(path_of(name, RECORDS)) ~= nil
end

--- How much a file takes, on disk and in memory.
---@param name string
---@return integer bytes
function M.size(name)
  local bytes, own = 0, memory[name] or { lines = {} }
  for _, suffix in ipairs({ RECORDS, VALUE }) do
    local stat = vim.uv.fs_stat(path_of(name, suffix))
    bytes = bytes + (stat and stat.size or 0)
  end
  for _, line in ipairs(own.lines) do
    bytes = bytes + #line
  end
  return bytes + #(own.value or '')
end

--- The names of the files on disk, sorted.
---@return string[]
function M.on_disk()
  local names = {}
  for entry in vim.fs.dir(M.folder()) do
    names[#names + 1] = vim.endswith(entry, RECORDS) and entry:sub(1, -#RECORDS - 1) or nil
  end
  table.sort(names)
  return names
end

--- The names of the files that are in memory, whole or in part, sorted.
---@return string[]
function M.in_memory()
  local names = vim.tbl_keys(memory)
  table.sort(names)
  return names
end

--- The names of all files, sorted.
---@return string[]
function M.names()
  local names = M.on_disk()
  local seen = {}
  for _, name in ipairs(names) do
    seen[name] = true
  end
  for name in pairs(memory) do
    names[#names + 1] = not seen[name] and name or nil
  end
  table.sort(names)
  return names
end

--- Why a step failed, where it did. That a file is not there is no failure.
---@param failure string?
---@param code string?
---@return string?
local function fault(_, failure, code)
  return code ~= 'ENOENT' and failure or nil
end

--- Give a file another name. The records go in one step, and the value is beside them before and after it.
---@param name string
---@param other string
---@return boolean done
function M.rename(name, other)
  local value = path_of(name, VALUE)
  local failure = fault(vim.uv.fs_copyfile(value, path_of(other, VALUE)))
    or fault(vim.uv.fs_rename(path_of(name, RECORDS), path_of(other, RECORDS)))
  if failure then
    message.log(failure)
    return false
  end
  vim.uv.fs_unlink(value)
  memory[other], memory[name] = memory[name], nil
  return true
end

--- Remove a file. One that is gone already is no error.
---@param name string
function M.remove(name)
  memory[name] = nil
  for _, suffix in ipairs({ VALUE, RECORDS }) do
    local failure = fault(vim.uv.fs_unlink(path_of(name, suffix)))
    if failure then
      message.log(failure)
    end
  end
end

return M
