std = 'luajit'
cache = false
codes = true
max_line_length = 110
read_globals = {
  vim = {
    other_fields = true,
    fields = {
      b = { read_only = false, other_fields = true },
      bo = { read_only = false, other_fields = true },
      env = { read_only = false, other_fields = true },
      g = { read_only = false, other_fields = true },
      go = { read_only = false, other_fields = true },
      o = { read_only = false, other_fields = true },
      wo = { read_only = false, other_fields = true },
    },
  },
}
