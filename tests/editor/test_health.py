"""`:checkhealth vivek`: each part is looked at, and each failure names the command that mends it."""

from __future__ import annotations

import re
import sys

import pytest

from neovim_child import Editor

NEXT_STEP = re.compile(r":VivekInstall|setup\(\)|Install |Close |chmod")


def report(editor: Editor) -> str:
    """The report without its ornaments."""
    editor.command("checkhealth vivek")
    return "\n".join(editor.lines())


def failures(text: str) -> list[str]:
    """Each error or warning with its advice."""
    blocks = re.split(r"\n(?=- |\S)", text)
    return [block for block in blocks if "ERROR" in block.split("\n")[0] or "WARNING" in block.split("\n")[0]]


def test_a_working_installation_is_told_with_the_round_trip_and_the_model(hosted: Editor) -> None:
    text = report(hosted)
    assert re.search(r"OK Neovim 0\.\d+", text)
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in text
    assert re.search(r"OK .*process \d+, started and answered in \d+ ms", text)
    assert "OK model: fake-coder would answer" in text
    assert "vivek.log" in text
    assert re.search(r"answered in \d+ ms", report(hosted))


def test_what_the_python_side_finds_wrong_comes_with_its_remedy(hosted: Editor) -> None:
    memory, folder = failures(report(hosted))
    assert "WARNING memory: memory is short" in memory
    assert "Close a browser." in memory
    assert "ERROR folder: cannot write there" in folder
    assert "chmod u+w there" in folder


BROKEN = {
    "nothing installed": "require('vivek').setup({})",
    "no such python": "require('vivek').setup({ python = '/no/such/python' })",
    "a python that is none": "require('vivek').setup({ python = '/bin/false' })",
    "an import that fails": "vim.env.VIVEK_FAKE_START = 'raise'",
}


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN.keys())
def test_each_failure_says_what_to_do(hosted: Editor, code: str) -> None:
    hosted.lua(code)
    found = failures(report(hosted))
    assert len(found) == 1
    assert "ADVICE" in found[0]
    assert NEXT_STEP.search(found[0].split("ADVICE")[1])


def test_a_report_that_does_not_come_is_told(hosted: Editor) -> None:
    hosted.lua("package.loaded['vivek.health'] = nil")
    hosted.lua(
        "local host = require('vivek.host'); local notify = host.notify; host.notify = function(method, payload)"
        " return notify(method == 'vivek_health' and 'vivek_new' or method, payload) end"
    )
    hosted.lua("local wait = vim.wait; vim.wait = function(_, ...) return wait(200, ...) end")
    (found,) = failures(report(hosted))
    assert "No report came" in found
