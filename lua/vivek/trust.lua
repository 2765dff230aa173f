--- What a project may have Vivek run: the text of its `.vivek/config.toml`, once the user has said that it
--- can be believed. `vim.secure.read()` asks, remembers the answer by the file's content, and asks anew when
--- that changes.
---
--- What it doesn't do: read a word of the text. That is for the Python side.

local file = require('vivek.file')

local M = {}

---@class vivek.ProjectFile
---@field root string the project's folder
---@field text string

local FOLDER, NAME = '.vivek', 'config.toml'

---@type table<string, string> the content that the user did not trust in this Neovim, by path
local declined = {}

--- The nearest settings file above a path, below the home folder.
---@param path string
---@return string?
local function nearest(path)
  local home = vim.fs.normalize('~')
  local folders = { path }
  for folder in vim.fs.parents(path) do
    table.insert(folders, folder)
  end
  for _, folder in ipairs(folders) do
    if folder == home or vim.startswith(home, folder:gsub('/$', '') .. '/') then
      return nil
    end
    local settings = vim.fs.joinpath(folder, FOLDER, NAME)
    if vim.uv.fs_stat(settings) then
      return settings
    end
  end
end

--- The settings of the project that a path lies in; nil where there are none, or the user does not trust
--- them. A "no" holds in this Neovim until the file changes.
---@param path string
---@return vivek.ProjectFile?
function M.project(path)
  local found = nearest(vim.fs.normalize(path))
  local before = found and file.read(found)
  if not found or not before or declined[found] == before then
    return nil
  end
  vim.fn.mkdir(vim.fn.stdpath('state'), 'p') -- Neovim writes its answers there, and does not make it
  local text = vim.secure.read(found)
  if type(text) ~= 'string' then
    declined[found] = before
    return nil
  end
  return { root = vim.fs.dirname(vim.fs.dirname(found)), text = text }
end

return M
