"""The snapshot of a buffer: every byte of it, the lines that were selected, and nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from neovim_child import Editor


def snapshot(editor: Editor, first: int | None = None, last: int | None = None) -> Any:
    selection = [] if first is None else [[first, last]]
    return editor.lua(
        "return require('vivek.capture').snapshot(vim.api.nvim_get_current_buf(), ...)", *selection
    )


def test_a_file_is_captured_with_its_path_type_and_cursor(nvim: Editor) -> None:
    nvim.edit("a\nb\nc\n", name="dir/x.py")
    nvim.command("2")
    found = snapshot(nvim)
    assert found["path"] == str(nvim.home / "dir" / "x.py")
    assert (found["filetype"], found["lines"], found["eol"]) == ("python", ["a", "b", "c"], True)
    assert (found["cursor"], found["selection"]) == (2, False)
    assert "first" not in found
    assert found["cwd"] == str(nvim.home)


@pytest.mark.parametrize("name", ["$HOME.py", "${HOME}/x.py", "~/x.py", "%HOME%.py"])
def test_a_name_that_looks_like_a_variable_is_the_name(nvim: Editor, name: str) -> None:
    nvim.edit("a\n", name=f"dir/{name}")
    assert snapshot(nvim)["path"] == str(nvim.home / "dir" / name)


def test_carriage_returns_tabs_nuls_and_bytes_that_are_no_text_are_kept(nvim: Editor) -> None:
    text = "a\r\r\n\tb\0c\nd\udcff\ne\u0301 \U0001f600\nlast"
    nvim.set_lines(text.split("\n"))
    ticked = nvim.eval("b:changedtick")
    assert snapshot(nvim)["lines"] == text.split("\n")
    assert nvim.eval("b:changedtick") == ticked


@pytest.mark.parametrize(
    ("text", "options", "eol"),
    [
        ("a\n", "fixeol", True),
        ("a", "fixeol", True),
        ("a", "nofixeol", False),
        ("a", "fixeol binary", False),
        ("a\n", "nofixeol", True),
    ],
)
def test_the_last_newline_is_the_one_that_would_be_written(
    nvim: Editor, text: str, options: str, eol: bool
) -> None:
    nvim.edit(text, name="x.txt")
    nvim.command(f"setlocal {options}")
    assert snapshot(nvim)["eol"] is eol
    nvim.command("write!")
    assert (nvim.home / "x.txt").read_text().endswith("\n") is eol


@pytest.mark.parametrize(
    ("given", "taken"),
    [((2, 3), (2, 3)), ((3, 2), (2, 3)), ((0, 2), (1, 2)), ((3, 99), (3, 4)), ((4, 4), (4, 4))],
)
def test_a_selection_lies_within_the_buffer_and_runs_forward(
    nvim: Editor, given: tuple[int, int], taken: tuple[int, int]
) -> None:
    nvim.edit("a\nb\nc\nd\n")
    found = snapshot(nvim, *given)
    assert found["selection"] is True
    assert (found["first"], found["last"]) == taken


def test_an_empty_unnamed_buffer_is_captured(nvim: Editor) -> None:
    found = snapshot(nvim)
    assert (found["path"], found["lines"], found["cursor"]) == ("", [""], 1)


@pytest.mark.parametrize("name", ["fugitive:///repo/.git//0/x.py", "term://x", "vivek://x"])
def test_a_name_that_is_no_path_gives_none(nvim: Editor, name: str) -> None:
    nvim.lua("vim.api.nvim_buf_set_name(0, ...)", name)
    assert snapshot(nvim)["path"] == ""


def test_a_buffer_that_no_window_shows_has_a_cursor_in_its_lines(nvim: Editor) -> None:
    hidden = nvim.edit("a\nb\n")
    nvim.command("set hidden | enew")
    found = nvim.lua("return require('vivek.capture').snapshot(...)", hidden)
    assert (found["lines"], found["cursor"]) == (["a", "b"], 1)


SET_DIAGNOSTICS = """
    local namespace = vim.api.nvim_create_namespace('test')
    vim.diagnostic.set(namespace, 0, vim.tbl_map(function(item)
      return { lnum = item[1] - 1, col = 0, severity = item[2], message = item[3], source = 'ruff' }
    end, ...))
"""


def test_diagnostics_of_the_selection_come_gravest_first(nvim: Editor) -> None:
    nvim.edit("a\nb\nc\nd\n")
    nvim.lua(SET_DIAGNOSTICS, [[1, 1, "outside"], [2, 2, "unused"], [3, 1, "undefined"]])
    found = snapshot(nvim, 2, 3)["diagnostics"]
    assert found == [
        {"line": 3, "message": "undefined", "severity": "error", "source": "ruff"},
        {"line": 2, "message": "unused", "severity": "warning", "source": "ruff"},
    ]


def test_without_a_selection_the_twenty_diagnostics_nearest_to_the_cursor_are_taken(nvim: Editor) -> None:
    nvim.edit("x\n" * 100)
    nvim.command("50")
    nvim.lua(SET_DIAGNOSTICS, [[line, 2, f"at {line}"] for line in range(1, 101)])
    found = [item["line"] for item in snapshot(nvim)["diagnostics"]]
    assert found[0] == 50
    assert sorted(found) == list(range(40, 60)) or sorted(found) == list(range(41, 61))


def test_a_snapshot_of_20000_lines_takes_less_than_a_blink(nvim: Editor) -> None:
    nvim.edit("some line of code\n" * 20_000)
    code = """
        local capture, began = require('vivek.capture'), vim.uv.hrtime()
        capture.snapshot(vim.api.nvim_get_current_buf())
        return (vim.uv.hrtime() - began) / 1e6
    """
    assert nvim.lua(code) < 50
