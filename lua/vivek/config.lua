--- One table of options, from which come the defaults, the validation and the section of the help; and the
--- settings in force.
---
--- What it doesn't do: act on a setting. Whoever needs one reads `config.get()`.

local message = require('vivek.message')
local settings = require('vivek.config.settings')

local M = {}

---@alias vivek.Backend 'auto'|'ollama'|'embedded'|'openai'|'scripted'

-- As in vivek/modes.py.
M.MODES = { 'auto', 'coder', 'architect', 'peer', 'sdet' }

---@class vivek.Config
---@field backend vivek.Backend
---@field model? string
---@field url? string
---@field python? string
---@field trusted string[]
---@field keys vivek.Keys|false
---@field context vivek.ContextConfig
---@field scratch vivek.ScratchConfig
---@field history vivek.HistoryConfig
---@field preview boolean
---@field review vivek.ReviewConfig
---@field mode vivek.Mode
---@field profiles table<string, vivek.Profile>
---@field log_level vivek.LogLevel

---@alias vivek.LogLevel 'error'|'warning'|'info'|'debug'

---@alias vivek.HistoryStrategy 'recent'|'summary'|'selective'

---@class vivek.ContextConfig
---@field history vivek.HistoryStrategy
---@field window? integer

---@class vivek.Keys
---@field next string|false
---@field prev string|false
---@field apply string|false
---@field apply_all string|false
---@field reject string|false
---@field reject_all string|false
---@field edit string|false
---@field diff string|false
---@field hunk string|false

---@class vivek.ScratchConfig
---@field split 'right'|'left'|'above'|'below'
---@field size number

---@class vivek.HistoryConfig
---@field keep integer
---@field megabytes number

---@class vivek.ReviewConfig
---@field model boolean
---@field report boolean
---@field quickfix boolean
---@field location_list boolean
---@field virtual_text boolean

---@class vivek.Profile
---@field base? 'small'|'medium'|'large'
---@field temperature? number
---@field retry_temperature? number
---@field top_p? number
---@field repeat_penalty? number
---@field iterations? integer
---@field plan? boolean
---@field verdict? boolean
---@field plain? boolean

---@class vivek.Option
---@field name string
---@field type string[] what `type()` may give, or 'false', or 'string[]'
---@field text string
---@field default? any
---@field default_text? string what the help prints for a default that is not a constant
---@field choices? string[]
---@field range? [number, number]
---@field fields? vivek.Option[]
---@field each? vivek.Option[] the fields of every table in it, whose own names are the user's

---@param name string
---@param default string
---@param text string
---@return vivek.Option
local function key(name, default, text)
  return { name = name, type = { 'string', 'false' }, default = default, text = text }
end

---@param name string
---@param range [number, number]
---@param default_text string
---@param text string
---@return vivek.Option
local function number(name, range, default_text, text)
  return { name = name, type = { 'number' }, range = range, default_text = default_text, text = text }
end

---@param name string
---@param default boolean
---@param text string
---@return vivek.Option
local function switch(name, default, text)
  return { name = name, type = { 'boolean' }, default = default, text = text }
end

---@type vivek.Option[]
M.schema = {
  {
    name = 'backend',
    type = { 'string' },
    default = 'auto',
    choices = { 'auto', 'ollama', 'embedded', 'openai', 'scripted' },
    text = 'What runs the model. "auto" takes Ollama where it answers and has a suitable model, else the '
      .. 'embedded model where it is installed. "openai" is any OpenAI-compatible server: llama-server, '
      .. 'vLLM, LM Studio, MLX-LM. "scripted" replays answers from a file, for tests.',
  },
  {
    name = 'model',
    type = { 'string' },
    default_text = 'chosen by the backend',
    text = 'The model to ask: an Ollama tag such as "qwen2.5-coder:7b", a name that `:VivekInstall model` '
      .. 'or the OpenAI-compatible server lists, or the path of a GGUF file.',
  },
  {
    name = 'url',
    type = { 'string' },
    default_text = '$OLLAMA_HOST, else http://127.0.0.1:11434',
    text = 'Where Ollama listens, or the OpenAI-compatible server, which has no usual place (with or without '
      .. '"/v1"; its key comes from $VIVEK_API_KEY). For the scripted backend, the path of its script.',
  },
  {
    name = 'python',
    type = { 'string' },
    default_text = 'made by :VivekInstall',
    text = "The Python (3.10 or newer) that has Vivek's packages, where you keep them yourself.",
  },
  {
    name = 'trusted',
    type = { 'string[]' },
    default = {},
    text = 'Folders of projects whose own virtual environment Vivek may start to look up names. In all other '
      .. 'projects it reads the files and runs nothing.',
  },
  {
    name = 'context',
    type = { 'table' },
    text = 'What the model is told besides the code and the instruction.',
    fields = {
      {
        name = 'history',
        type = { 'string' },
        default = 'recent',
        choices = { 'recent', 'summary', 'selective' },
        text = 'Which earlier instructions of the conversation it reads, in at most 200 tokens. "recent": '
          .. 'the last ones; fastest, since the server keeps in its cache what it has read of them. '
          .. '"summary": the last two, and what became of those before in one line. "selective": those '
          .. 'that share a word with the instruction or the code.',
      },
      {
        name = 'window',
        type = { 'number' },
        range = { 2048, 131072 },
        default_text = 'what fits in memory',
        text = 'Tokens of the context window that Ollama or the embedded server loads the model with. Set it '
          .. 'where a GPU has too little memory for more. It is still raised, with notice, where the code '
          .. 'needs it.',
      },
    },
  },
  {
    name = 'keys',
    type = { 'table', 'false' },
    text = 'Keys of the source buffer and the scratch buffer, there only while hunks are shown and never in '
      .. 'place of a map of your own. false for none, or false for a single one.',
    fields = {
      key('next', ']v', 'Go to the next hunk.'),
      key('prev', '[v', 'Go to the previous hunk.'),
      key('apply', '<LocalLeader>a', 'Apply the hunk under the cursor.'),
      key('apply_all', '<LocalLeader>A', 'Apply all hunks.'),
      key('reject', '<LocalLeader>r', 'Reject the hunk under the cursor.'),
      key('reject_all', '<LocalLeader>R', 'Reject all hunks.'),
      key('edit', '<LocalLeader>e', 'Edit the hunk under the cursor before it is applied.'),
      key('diff', '<LocalLeader>d', 'Show the proposal beside the buffer, in diff mode.'),
      key('hunk', 'iv', 'The lines of the hunk under the cursor, as a text object.'),
    },
  },
  {
    name = 'scratch',
    type = { 'table' },
    text = 'The window of the scratch buffer.',
    fields = {
      {
        name = 'split',
        type = { 'string' },
        default = 'right',
        choices = { 'right', 'left', 'above', 'below' },
        text = 'Where it opens.',
      },
      {
        name = 'size',
        type = { 'number' },
        default = 0.4,
        range = { 0.1, 0.9 },
        text = "Its part of the screen's width or height.",
      },
    },
  },
  {
    name = 'history',
    type = { 'table' },
    text = "What is kept of each ask in Neovim's state folder, readable by you alone: your text at the ask, "
      .. 'what the model replied, and what became of the hunks.',
    fields = {
      {
        name = 'keep',
        type = { 'number' },
        default = 200,
        range = { 0, 10000 },
        text = 'How many asks. The oldest go first, but those with hunks that were neither rejected nor '
          .. 'written to disk stay for 30 days. With 0 nothing of an ask goes to disk, and `:VivekHistory` '
          .. 'has only what this Neovim has asked.',
      },
      {
        name = 'megabytes',
        type = { 'number' },
        default = 256,
        range = { 1, 100000 },
        text = 'How much all of it may take. Beyond that the oldest asks go first, but none with hunks that '
          .. 'were neither rejected nor written to disk, unless their file has been gone for a day.',
      },
    },
  },
  {
    name = 'preview',
    type = { 'boolean' },
    default = true,
    text = 'Show what the model changes in the lines themselves, as it writes.',
  },
  {
    name = 'review',
    type = { 'table' },
    text = 'What |:VivekReview| does, and where it shows what it has found. Signs, underlines and floats are '
      .. 'those of |vim.diagnostic.config()|.',
    fields = {
      switch('model', true, 'Ask the model, too. With false the static tools are all.'),
      switch('report', true, 'Open the report beside the buffer.'),
      switch('quickfix', true, 'Fill a new quickfix list. The one before is kept: |:colder|.'),
      switch('location_list', true, "Fill the location list of the buffer's windows."),
      switch('virtual_text', false, 'Show findings beside their lines, too, as virtual text.'),
    },
  },
  {
    name = 'mode',
    type = { 'string' },
    default = 'auto',
    choices = M.MODES,
    text = 'How asks are worked on until |:VivekMode| says otherwise; see |vivek-modes|. With "auto" the '
      .. 'words of an instruction choose.',
  },
  {
    name = 'log_level',
    type = { 'string' },
    default = 'info',
    choices = { 'error', 'warning', 'info', 'debug' },
    text = 'What goes into the log (|:VivekLog|). Prompts and replies are in it at "debug" alone, keys '
      .. 'never.',
  },
  {
    name = 'profiles',
    type = { 'table' },
    default = {},
    text = 'How single models are asked, by name or glob: { ["qwen2.5-coder:*"] = { iterations = 2 } }. '
      .. 'Where two patterns set the same field, a whole name wins before a glob, and then the one with more '
      .. 'characters that are no wildcard.',
    each = {
      {
        name = 'base',
        type = { 'string' },
        default_text = 'by its size: below 5B, to 14B, above',
        choices = { 'small', 'medium', 'large' },
        text = 'The profile whose values hold for what is not set here.',
      },
      number('temperature', { 0, 2 }, '0', 'Of the first attempt.'),
      number('retry_temperature', { 0, 2 }, '0.5', 'Of later attempts; a greedy one would repeat itself.'),
      number('top_p', { 0.01, 1 }, '0.95', 'The share of likely tokens to choose from.'),
      number('repeat_penalty', { 0.01, 2 }, '1', '1 is none, which is right where code must be copied.'),
      number('iterations', { 1, 3 }, '3', 'Attempts in all.'),
      {
        name = 'plan',
        type = { 'boolean' },
        default_text = 'true from medium on',
        text = 'Ask the model what an instruction means where its words leave it open.',
      },
      {
        name = 'verdict',
        type = { 'boolean' },
        default_text = 'true for large alone',
        text = 'Ask the model what it thinks of its own edit. It is advice: it turns down no edit by itself.',
      },
      {
        name = 'plain',
        type = { 'boolean' },
        default_text = 'false, until the model fails one check in three asks in a row',
        text = 'The shortest prompt: no context beyond the code and its diagnostics.',
      },
    },
  },
}

---@type vivek.Config?
local current

--- The settings in force.
---@return vivek.Config
function M.get()
  current = current or settings.defaults(M.schema)
  return current
end

--- Take the user's settings. What is wrong is told and left at its default; the rest holds.
---@param given? table
---@return string[] faults
function M.setup(given)
  local faults = {}
  if given ~= nil and type(given) ~= 'table' then
    faults[1] = ('it takes a table, not %s.'):format(vim.inspect(given))
    given = nil
  end
  current = settings.merged(M.schema, given or {}, faults)
  for _, text in ipairs(faults) do
    message.error('setup(): ' .. text, 'See :help vivek-config.')
  end
  return faults
end

---@class vivek.RunConfig
---@field backend vivek.Backend
---@field model? string
---@field url? string
---@field history vivek.HistoryStrategy
---@field window? integer
---@field profiles table<string, vivek.Profile>

--- What the Python side needs: which model to choose, and what to tell it.
---@return vivek.RunConfig
function M.for_run()
  local config = M.get()
  return {
    backend = config.backend,
    model = config.model,
    url = config.url,
    history = config.context.history,
    window = config.context.window,
    profiles = config.profiles,
  }
end

--- A path without links. A `$HOME` in its names stands for itself.
---@param path string
---@return string
local function real(path)
  return vim.fs.normalize(vim.uv.fs_realpath(path) or path, { expand_env = false })
end

--- Whether the user trusts the project that a path lies in.
---@param path string
---@return boolean
function M.trusts(path)
  local resolved = real(path)
  return vim.iter(M.get().trusted):any(function(folder)
    local root = real(vim.fs.normalize(folder))
    return resolved == root or vim.startswith(resolved, root .. '/')
  end)
end

return M
