"""`:VivekResume`: what a Neovim that was killed had left open is shown again, on the file as it is by then."""

from __future__ import annotations

from collections.abc import Callable

from proposing import rows, states

from neovim_child import Editor

LETTERS = ["a", "b", "c", "d", "e", "f", "g", "h"]
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
