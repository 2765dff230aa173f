"""A profile that the user sets in setup() reaches the model, and what is wrong with one is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from neovim_child import Editor

TEXT = "def area(r):\n    return 3 * r * r\n"
PLAN = '{"kind": "words"}'
DOUBT = '{"verdict": "wrong", "problem": "pi is not 4"}'
CODE = "```python\ndef area(r):\n    return 4 * r * r\n```\n"


def ask(editor: Editor, script: Path, profiles: str, command: str, *replies: str) -> dict[str, Any]:
    """The result, or the error, of an ask under these profiles."""
    script.write_text(json.dumps({"replies": [{"text": reply} for reply in replies]}), encoding="utf-8")
    editor.lua(
        f"""
        local python, script = ...
        require('vivek').setup({{ python = python, backend = 'scripted', url = script, profiles = {profiles} }})
        vim.api.nvim_create_autocmd('User', {{
          pattern = {{ 'VivekDone', 'VivekError' }},
          callback = function(event) _G.ended = event.data end,
        }})
        """,
        sys.executable,
        str(script),
    )
    editor.edit(TEXT, name="a.py")
    editor.command(command)
    editor.wait_for(lambda: editor.lua("return _G.ended ~= nil"), timeout=60)
    return dict(editor.lua("return _G.ended"))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "script.json"


def test_a_model_is_asked_what_is_meant_where_its_profile_says_so(nvim: Editor, script: Path) -> None:
    given = "{ ['*'] = { base = 'small', plan = true } }"
    ask(nvim, script, given, "1,2VivekAsk thread safety", PLAN, "It has no state.")
    code = "return require('vivek.scratch').of(vim.api.nvim_get_current_buf())"
    shown = "\n".join(nvim.lines(int(nvim.lua(code))))
    assert "asking the model what the instruction means" in shown
    assert "It has no state." in shown


def test_a_models_doubt_is_shown_and_the_hunk_is_there(nvim: Editor, script: Path) -> None:
    ask(nvim, script, "{ other = {}, ['scr*'] = { verdict = true } }", "1,2VivekAsk make it 4", CODE, DOUBT)
    assert len(nvim.lua("return require('vivek.proposals').hunks(0)")) == 1
    code = "return require('vivek.scratch').of(vim.api.nvim_get_current_buf())"
    assert "The model doubts its own edit: pi is not 4." in "\n".join(nvim.lines(int(nvim.lua(code))))


def test_without_profiles_a_model_of_unknown_size_is_asked_for_code_alone(nvim: Editor, script: Path) -> None:
    ask(nvim, script, "{}", "1,2VivekAsk thread safety", CODE)
    assert len(nvim.lua("return require('vivek.proposals').hunks(0)")) == 1
