"""Modes in a real Neovim: the command, a mode for one ask, completion, and what the statusline says."""

from __future__ import annotations

from typing import Any

import pytest
from test_commands import TEXT, arrived, received, told
from test_end_to_end import AREA, Vivek
from test_end_to_end import TEXT as CODE

from neovim_child import Editor

MODES = ["auto", "coder", "architect", "peer", "sdet"]


@pytest.fixture
def vivek(nvim: Editor, tmp_path: Any) -> Vivek:
    return Vivek(nvim, tmp_path / "script.json")


def completions(editor: Editor, line: str) -> list[str]:
    return list(editor.lua("return vim.fn.getcompletion(..., 'cmdline')", line))


def statusline(editor: Editor) -> str:
    return str(editor.lua("return require('vivek').statusline()"))


def test_an_ask_is_sent_with_the_mode_in_force(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk one")
    assert arrived(hosted, "vivek_ask")["mode"] == "auto"
    hosted.command("VivekMode architect")
    assert "Mode: architect." in told(hosted)
    hosted.command("VivekAsk two")
    assert arrived(hosted, "vivek_ask", 2)["mode"] == "architect"
    hosted.command("VivekMode auto")
    hosted.command("VivekAsk three")
    assert arrived(hosted, "vivek_ask", 3)["mode"] == "auto"


def test_without_a_name_the_mode_is_told(hosted: Editor) -> None:
    hosted.command("VivekMode")
    assert "Mode: auto." in told(hosted)


def test_the_mode_of_the_settings_holds_until_another_is_chosen(hosted: Editor) -> None:
    hosted.lua("require('vivek.config').get().mode = 'peer'")
    hosted.edit(TEXT, name="x.py")
    hosted.command("VivekAsk one")
    assert arrived(hosted, "vivek_ask")["mode"] == "peer"
    hosted.command("VivekMode auto")
    hosted.command("VivekAsk two")
    assert arrived(hosted, "vivek_ask", 2)["mode"] == "auto"


def test_an_unknown_mode_is_an_error_and_changes_nothing(hosted: Editor) -> None:
    hosted.command("VivekMode peer")
    hosted.type(":VivekMode boss<CR>")
    hosted.wait_for(lambda: "boss" in told(hosted))
    assert 'There is no mode "boss". There are auto, coder, architect, peer, sdet.' in told(hosted)
    assert statusline(hosted) == "Vivek @peer"


def test_a_mode_for_a_single_ask_by_lua(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.lua("require('vivek').ask({ instruction = 'one', mode = 'sdet' })")
    assert arrived(hosted, "vivek_ask")["mode"] == "sdet"
    hosted.command("VivekAsk two")
    assert arrived(hosted, "vivek_ask", 2)["mode"] == "auto"
    hosted.lua("require('vivek').ask({ instruction = 'three', mode = 'boss' })")
    assert 'There is no mode "boss".' in told(hosted)
    assert len(received(hosted, "vivek_ask")) == 2


def test_the_statusline_shows_a_mode_that_was_chosen(nvim: Editor) -> None:
    nvim.lua("require('vivek').setup({ mode = 'coder' })")
    assert statusline(nvim) == "Vivek @coder"
    nvim.command("VivekMode auto")
    assert statusline(nvim) == ""
    nvim.command("set laststatus=2 statusline=[%{%v:lua.require'vivek'.statusline()%}]")
    nvim.command("VivekMode peer")
    assert any(row.startswith("[Vivek @peer]") for row in nvim.screen())


def test_a_mode_of_the_settings_that_does_not_exist_is_told(nvim: Editor) -> None:
    nvim.lua("require('vivek').setup({ mode = 'architekt' })")
    assert 'Did you mean "architect"?' in told(nvim)
    assert statusline(nvim) == ""


def test_modes_are_completed(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    assert completions(hosted, "VivekMode ") == MODES
    assert completions(hosted, "VivekMode a") == ["auto", "architect"]
    assert completions(hosted, "VivekAsk @") == [f"@{mode}" for mode in MODES]
    assert completions(hosted, "'<,'>VivekAsk @s") == ["@sdet"]
    assert "add type hints" in completions(hosted, "VivekAsk @coder ")
    assert "type hints" in completions(hosted, "VivekAsk @coder add ")
    assert completions(hosted, "VivekAsk why @") == []


def test_the_question_completes_modes_too(hosted: Editor) -> None:
    hosted.edit(TEXT, name="x.py")
    hosted.type(":VivekAsk<CR>")
    hosted.wait_for(lambda: hosted.api.get_mode()["mode"] == "c")
    hosted.type("@arch<Tab> why?<CR>")
    assert arrived(hosted, "vivek_ask")["instruction"] == "@architect why?"


def test_the_python_side_knows_the_same_modes(nvim: Editor) -> None:
    from vivek.modes import MODES as KNOWN

    assert nvim.lua("return require('vivek.config').MODES") == list(KNOWN)


def test_a_mode_before_the_instruction_holds_for_that_ask(vivek: Vivek) -> None:
    vivek.replies("1. Move `area` away.", AREA)
    vivek.editor.edit(CODE, name="a.py")
    assert vivek.ask("VivekAsk @architect make it 4") == "VivekDone"
    assert "Blocks that this concerns: `area` (lines 1 to 2)." in vivek.scratch()
    assert vivek.scratch().count("Move `area` away") == 1
    assert "Answered" in vivek.scratch()
    assert vivek.hunks() == []
    assert vivek.ask("VivekAsk make it 4", count=2) == "VivekDone"
    assert len(vivek.hunks()) == 1


def test_a_mode_that_is_misspelt_is_an_error(vivek: Vivek) -> None:
    vivek.editor.edit(CODE, name="a.py")
    assert vivek.ask("VivekAsk @architekt why?") == "VivekError"
    assert "There is no mode 'architekt'. Did you mean architect?" in told(vivek.editor)


def test_tests_for_a_source_file_are_shown_and_nothing_is_drawn_in_it(vivek: Vivek) -> None:
    vivek.replies("```python\ndef test_area():\n    assert area(2) == 12\n```\n")
    vivek.editor.edit(CODE, name="a.py")
    assert vivek.ask("1,2VivekAsk write tests") == "VivekDone"
    shown = vivek.scratch()
    assert "from a import area\n\n\ndef test_area():\n    assert area(2) == 12\n" in shown
    assert "Answered" in shown
    assert vivek.hunks() == []
    assert vivek.editor.lines() == CODE.split("\n")[:-1]


def test_tests_in_a_file_of_tests_are_hunks(vivek: Vivek) -> None:
    vivek.replies("```python\ndef test_two():\n    assert area(2) == 12\n```\n")
    vivek.editor.edit("from a import area\n\n\ndef test_one():\n    assert area(1) == 3\n", name="test_a.py")
    vivek.editor.command("5")
    assert vivek.ask("VivekAsk @sdet one more") == "VivekDone"
    vivek.editor.command("VivekApply!")
    assert vivek.editor.lines()[-2:] == ["def test_two():", "    assert area(2) == 12"]
