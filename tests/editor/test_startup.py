"""Starting Neovim with Vivek costs next to nothing: no Lua module and no process until it is used."""

from __future__ import annotations

from collections.abc import Callable

from neovim_child import Editor

LOADED = "return vim.tbl_filter(function(name) return vim.startswith(name, 'vivek') end, vim.tbl_keys(package.loaded))"
COMMANDS = {
    *("Ask", "Stop", "Apply", "Reject", "Restore", "Edit", "Diff", "Next", "Prev"),
    *("New", "History", "Resume", "Install", "Log", "Mode"),
    *("Review", "Fix", "Dismiss", "Export", "Test"),
}


def processes(editor: Editor) -> int:
    return int(
        editor.lua("return #vim.tbl_filter(function(c) return c.argv ~= nil end, vim.api.nvim_list_chans())")
    )


def test_nothing_is_loaded_or_started_until_it_is_used(nvim: Editor) -> None:
    nvim.edit("def f():\n    pass\n", name="x.py")
    assert {name for name in nvim.api.get_commands({}) if name.startswith("Vivek")} == {
        f"Vivek{name}" for name in COMMANDS
    }
    assert nvim.lua(LOADED) == []
    assert processes(nvim) == 0


def test_setup_starts_no_process_and_loads_nothing_but_the_settings(nvim: Editor) -> None:
    nvim.lua("require('vivek').setup({ backend = 'ollama' })")
    own = ["vivek", "vivek.config", "vivek.config.settings", "vivek.message"]
    assert sorted(nvim.lua(LOADED)) == own
    assert processes(nvim) == 0


def test_a_statusline_component_loads_nothing(nvim: Editor) -> None:
    nvim.command("set laststatus=2 statusline=[%{%v:lua.require'vivek'.statusline()%}]")
    assert any(row.startswith("[]") for row in nvim.screen())
    assert nvim.lua(LOADED) == ["vivek"]


def test_sourcing_the_plugin_again_changes_nothing(nvim: Editor) -> None:
    nvim.lua("vim.keymap.set('n', '<Plug>(VivekStop)', '<Cmd>let g:mine = 1<CR>')")
    nvim.command("runtime! plugin/vivek.lua")
    nvim.feed("<Plug>(VivekStop)")
    assert nvim.eval("g:mine") == 1


def test_a_user_who_disables_the_plugin_gets_no_command(start_nvim: Callable[..., Editor]) -> None:
    editor = start_nvim("--cmd", "let g:loaded_vivek = 1")
    assert [name for name in editor.api.get_commands({}) if name.startswith("Vivek")] == []
