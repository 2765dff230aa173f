"""`:VivekResume`: what a Neovim that was killed had left open is shown again, on the file as it is by then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from proposing import LETTERS, rows, states

from neovim_child import Editor

BEGIN = """
    local edits = ...
    local base = vim.api.nvim_buf_get_lines(0, 0, -1, true)
    local journal = require('vivek.journal')
    journal.begin({
      id = 'r1', path = require('vivek.capture').path(0), buffer = 'b', filetype = 'text',
      instruction = 'capitals', base = base, eol = true,
    })
    journal.propose('r1', { edits = edits })
    journal.finish('r1', { kind = 'done', text = '' })
    require('vivek.proposals').show(0, 'r1', base, edits, { eol = true })
"""


def open_letters(nvim: Editor) -> None:
    nvim.edit("\n".join(LETTERS) + "\n", name="letters.txt", filetype="text")
    nvim.lua(BEGIN, [rows(1, 2, "B"), rows(4, 5, "E"), rows(6, 7, "G")])


def test_after_a_kill_what_was_pending_and_what_was_applied_but_never_written_is_shown_again(
    start_nvim: Callable[..., Editor],
) -> None:
    first = start_nvim()
    open_letters(first)
    first.command("VivekApply")
    first.command("5")
    first.command("VivekReject")
    first.process.kill()
    first.process.wait()
    path = first.home / "letters.txt"
    path.write_text("typed elsewhere\n" + path.read_text())
    second = start_nvim()
    second.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(path))
    second.command("VivekResume")
    assert states(second) == ["pending", "rejected", "pending"]
    assert "2 hunks shown again, 1 of them applied before but never written" in second.messages()
    second.command("VivekApply!")
    assert second.lines() == ["typed elsewhere", "a", "B", "c", "d", "e", "f", "G", "h"]


def test_what_was_written_is_not_shown_again(start_nvim: Callable[..., Editor]) -> None:
    first = start_nvim()
    open_letters(first)
    first.command("VivekApply!")
    first.command("write")
    first.process.kill()
    first.process.wait()
    second = start_nvim()
    second.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(first.home / "letters.txt"))
    second.command("VivekResume")
    assert "nothing of an earlier session is open here" in second.messages()


def test_of_many_hunks_only_those_that_changed_are_written_down_again(nvim: Editor) -> None:
    open_letters(nvim)
    code = """
        local journal, marked = require('vivek.journal'), {}
        local mark = journal.mark
        journal.mark = function(run, marks)
          local ids = vim.tbl_keys(marks)
          table.sort(ids)
          table.insert(marked, ids)
          mark(run, marks)
        end
        for _ = 1, 3 do
          vim.cmd.VivekApply()
        end
        return marked
    """
    assert nvim.lua(code) == [[1, 2, 3], [2], [3]]


# Under another name


def killed(editor: Editor) -> None:
    editor.process.kill()
    editor.process.wait()


def resumed(editor: Editor, name: str) -> list[str]:
    """The states of the hunks that `:VivekResume` shows in a file."""
    editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(editor.home / name))
    editor.command("VivekResume")
    return states(editor)


def test_after_saveas_the_hunks_are_found_under_the_new_name_alone(start_nvim: Callable[..., Editor]) -> None:
    first = start_nvim()
    open_letters(first)
    first.command("VivekApply")
    first.command("saveas other.txt")
    first.command("VivekApply")
    killed(first)
    second = start_nvim()
    assert resumed(second, "letters.txt") == []
    assert resumed(second, "other.txt") == ["applied", "pending", "pending"]
    assert "2 hunks shown again, 1 of them applied before but never written" in second.messages()
    second.command("VivekApply!")
    assert second.lines() == ["a", "B", "c", "d", "E", "f", "G", "h"]


@pytest.mark.parametrize("rename", ["saveas other.txt", "file other.txt"])
def test_under_the_old_name_hunks_that_are_open_in_this_neovim_are_not_shown_again(
    nvim: Editor, rename: str
) -> None:
    open_letters(nvim)
    nvim.command(rename)
    renamed = nvim.eval("bufnr()")
    assert resumed(nvim, "letters.txt") == []
    assert states(nvim, renamed) == ["pending", "pending", "pending"]
    said = "the hunks of this file are in the buffer other.txt" in nvim.messages()
    assert said == rename.startswith("file"), "what was written under the new name is of that file"
    assert nvim.lines() == LETTERS


def test_a_new_name_under_which_nothing_was_written_leaves_the_hunks_with_the_old_file(
    start_nvim: Callable[..., Editor],
) -> None:
    first = start_nvim()
    open_letters(first)
    first.command("VivekApply")
    first.command("file other.txt")
    first.command("VivekApply")
    killed(first)
    second = start_nvim()
    assert resumed(second, "other.txt") == []
    assert resumed(second, "letters.txt") == ["pending", "pending", "pending"]
    assert "3 hunks shown again, 2 of them applied before but never written" in second.messages()


def test_a_name_that_a_buffer_gets_later_has_its_hunks(start_nvim: Callable[..., Editor]) -> None:
    first = start_nvim()
    first.edit("\n".join(LETTERS) + "\n")
    first.lua(BEGIN, [rows(1, 2, "B")])
    first.command("saveas named.txt")
    killed(first)
    assert resumed(start_nvim(), "named.txt") == ["pending"]


@pytest.mark.parametrize(
    ("rename", "found", "empty"),
    [("saveas", "other.txt", "letters.txt"), ("file", "letters.txt", "other.txt")],
)
def test_what_is_proposed_after_a_rename_is_of_the_file_that_has_the_text(
    start_nvim: Callable[..., Editor], rename: str, found: str, empty: str
) -> None:
    first = start_nvim()
    first.edit("\n".join(LETTERS) + "\n", name="letters.txt")
    begin = BEGIN.replace("journal.propose(", f"vim.cmd.{rename}('other.txt'); journal.propose(")
    first.lua(begin, [rows(1, 2, "B")])
    killed(first)
    second = start_nvim()
    assert resumed(second, empty) == []
    assert resumed(second, found) == ["pending"]
