"""What becomes of a proposal whatever happens to its buffer: each has one defined outcome."""

from __future__ import annotations

import pytest
from proposing import LETTERS, letters, propose, rows, states

from neovim_child import Editor

HUNKS = [rows(1, 2, "B"), rows(6, 7, "G")]
FIRST_APPLIED = ["a", "B", *LETTERS[2:]]
BOTH_APPLIED = ["a", "B", *LETTERS[2:6], "G", "h"]


def apply(nvim: Editor, **choice: object) -> None:
    nvim.lua("require('vivek.proposals').apply(0, ...)", choice)


def lines_of_hunks(nvim: Editor) -> list[int]:
    return [hunk["first"] for hunk in nvim.lua("return require('vivek.proposals').hunks(0)")]


def disk(nvim: Editor, name: str = "letters.txt") -> list[str]:
    return (nvim.home / name).read_text().split("\n")[:-1]


def format_on_save(nvim: Editor, expression: str) -> None:
    """A formatter that replaces all lines, as those do that know nothing of diffs."""
    nvim.lua(
        """
        local expression = ...
        vim.api.nvim_create_autocmd('BufWritePre', { callback = function(event)
          local lines = vim.api.nvim_buf_get_lines(event.buf, 0, -1, true)
          vim.api.nvim_buf_set_lines(event.buf, 0, -1, true, vim.fn.map(lines, expression))
        end })
        """,
        expression,
    )


# Loaded anew


def test_a_reload_from_disk_keeps_pending_hunks_at_their_lines(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    (nvim.home / "letters.txt").write_text("\n".join(["x", "y", *LETTERS]) + "\n")
    nvim.command("edit!")
    assert (states(nvim), lines_of_hunks(nvim)) == (["pending", "pending"], [4, 9])
    apply(nvim, all=True)
    assert nvim.lines() == ["x", "y", *BOTH_APPLIED]


def test_a_reload_that_changed_a_hunks_lines_makes_a_conflict_of_it(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    (nvim.home / "letters.txt").write_text("\n".join(["a", "theirs", *LETTERS[2:]]) + "\n")
    nvim.command("edit!")
    assert states(nvim) == ["stale", "pending"]
    apply(nvim, all=True)
    assert nvim.lines() == ["a", "theirs", *LETTERS[2:6], "G", "h"]


def test_an_unsaved_apply_that_a_reload_took_away_is_pending_again(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim, all=True)
    nvim.command("edit!")
    assert (nvim.lines(), states(nvim)) == (LETTERS, ["pending", "pending"])
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == (BOTH_APPLIED, ["applied", "applied"])


def test_a_change_outside_is_read_by_itself_and_hunks_follow(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    (nvim.home / "letters.txt").write_text("\n".join(["new", *LETTERS]) + "\n")
    nvim.command("set autoread | checktime")
    nvim.wait_for(lambda: nvim.lines()[0] == "new")
    assert (states(nvim), lines_of_hunks(nvim)) == (["pending", "pending"], [3, 8])


# Renamed, unloaded, deleted, wiped out


@pytest.mark.parametrize("command", ["file other.txt", "saveas other.txt"])
def test_a_renamed_buffer_keeps_its_proposal(nvim: Editor, command: str) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    nvim.command(command)
    assert states(nvim) == ["pending", "pending"]
    apply(nvim)
    nvim.command("write!")
    assert disk(nvim, "other.txt") == FIRST_APPLIED
    assert states(nvim) == ["applied", "pending"]
    nvim.command("undo")
    assert states(nvim) == ["applied", "pending"], "what is written is settled, under any name"


@pytest.mark.parametrize("command", ["bunload!", "bdelete!"])
def test_a_buffer_that_was_put_away_has_its_proposal_when_it_is_opened_again(
    nvim: Editor, command: str
) -> None:
    number = letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    nvim.command("enew")
    nvim.command(f"{command} {number}")
    nvim.lua("require('vivek.proposals').apply(..., {})", number)
    assert "not loaded" in nvim.messages()
    nvim.command("edit letters.txt")
    assert nvim.eval("bufnr()") == number
    assert (nvim.lines(), states(nvim)) == (LETTERS, ["pending", "pending"])
    nvim.wait_for(lambda: any("hunk 1 of 2" in row for row in nvim.screen()))
    apply(nvim, all=True)
    assert nvim.lines() == BOTH_APPLIED


def test_the_first_change_after_a_buffer_was_opened_again_can_be_undone(nvim: Editor) -> None:
    number = letters(nvim)
    propose(nvim, HUNKS)
    nvim.command("enew")
    nvim.command(f"bdelete {number}")
    nvim.command("edit letters.txt")
    apply(nvim)
    assert (nvim.lines(), states(nvim)) == (FIRST_APPLIED, ["applied", "pending"])
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == (LETTERS, ["pending", "pending"])
    nvim.command("redo")
    assert (nvim.lines(), states(nvim)) == (FIRST_APPLIED, ["applied", "pending"])


def test_a_buffer_whose_file_is_not_there_when_it_is_opened_again_has_nothing_applied(nvim: Editor) -> None:
    number = letters(nvim)
    propose(nvim, [rows(0, 1), rows(7, 7, "below g")])
    apply(nvim)
    nvim.command("file never-written.txt")
    nvim.command("enew")
    nvim.command(f"bdelete! {number}")
    nvim.command(f"buffer {number}")
    assert nvim.lines() == [""]
    first = states(nvim)
    assert "applied" not in first
    nvim.feed("Ox<Esc>")
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == ([""], first)


def test_a_buffer_that_is_wiped_out_takes_its_proposal_along_and_others_stay(nvim: Editor) -> None:
    number = letters(nvim)
    propose(nvim, HUNKS)
    nvim.edit("one\ntwo\n", name="other.txt")
    propose(nvim, [rows(0, 1, "ONE")], run="r2")
    nvim.command(f"bwipeout! {number}")
    nvim.command("edit letters.txt")
    assert states(nvim) == []
    nvim.command("buffer other.txt")
    assert states(nvim) == ["pending"]


# Changed by others


def test_a_formatter_that_rewrites_all_lines_on_save_leaves_pending_hunks_usable(nvim: Editor) -> None:
    format_on_save(nvim, "'  ' . v:val")
    letters(nvim)
    propose(nvim, HUNKS)
    nvim.command("write")
    assert states(nvim) == ["pending", "pending"]
    apply(nvim, all=True)
    assert nvim.lines() == [f"  {line}" for line in BOTH_APPLIED]
    nvim.command("undo")
    assert nvim.lines() == [f"  {line}" for line in LETTERS]


def test_what_is_applied_when_a_formatter_rewrites_it_on_save_is_written(nvim: Editor) -> None:
    format_on_save(nvim, "'  ' . v:val")
    letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    nvim.command("write")
    assert disk(nvim) == [f"  {line}" for line in FIRST_APPLIED]
    assert states(nvim) == ["applied", "pending"]
    nvim.command("undo | undo")
    assert states(nvim) == ["applied", "pending"]


def test_an_edit_of_another_plugin_is_like_one_of_the_user(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    nvim.lua("vim.api.nvim_buf_set_text(0, 1, 1, 1, 1, { ' and more', 'x' })")
    assert states(nvim) == ["stale", "pending"]
    apply(nvim, all=True)
    assert nvim.lines() == ["a", "b and more", "x", *LETTERS[2:6], "G", "h"]


def test_a_function_that_was_cut_and_put_elsewhere_takes_its_hunk_along(nvim: Editor) -> None:
    nvim.edit("def f(a):\n    b = a\n    return b\n\n" + "".join(f"x = {n}\n" for n in range(9)), name="a.py")
    propose(nvim, [rows(1, 2, "    b = a + 1")])
    nvim.feed("gg3ddGp")
    assert states(nvim) == ["pending"]
    assert lines_of_hunks(nvim) == [12]
    apply(nvim)
    assert nvim.lines()[-3:] == ["def f(a):", "    b = a + 1", "    return b"]
    nvim.command("undo")
    assert states(nvim) == ["pending"]
    nvim.command("undo | undo")
    assert lines_of_hunks(nvim) == [2]


# Undo


def test_an_undo_past_the_ask_and_a_redo_bring_every_hunk_back(nvim: Editor) -> None:
    letters(nvim)
    nvim.feed("2Goone<Esc>")
    nvim.feed("2ddOtwo<Esc>")
    sequence = nvim.undo_sequence()
    text = nvim.lines()
    propose(nvim, [rows(1, 2, "TWO"), rows(7, 8, "G")])
    apply(nvim)
    nvim.command("undo 0")
    assert nvim.lines() == LETTERS
    assert states(nvim)[1] == "pending"
    nvim.command(f"undo {sequence}")
    assert (nvim.lines(), states(nvim)) == (text, ["pending", "pending"])
    nvim.command("redo")
    assert states(nvim) == ["applied", "pending"]


def test_without_undo_hunks_are_applied_and_seen_from_the_text(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("setlocal undolevels=-1")
    propose(nvim, HUNKS)
    apply(nvim)
    assert (nvim.lines(), states(nvim)) == (FIRST_APPLIED, ["applied", "pending"])
    assert nvim.eval("&l:undolevels") == -1
    nvim.command("2s/B/b")
    assert states(nvim) == ["pending", "pending"]


def test_an_undo_file_changes_nothing_about_what_is_written(nvim: Editor) -> None:
    nvim.command(f"set undofile undodir={nvim.home}")
    number = letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    nvim.command("write")
    nvim.command("enew")
    nvim.command(f"bdelete {number}")
    nvim.command("edit letters.txt")
    assert states(nvim) == ["applied", "pending"]
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == (LETTERS, ["applied", "pending"])
    nvim.command("redo")
    apply(nvim, all=True)
    assert nvim.lines() == BOTH_APPLIED


# Written


def test_a_write_settles_what_is_applied_and_leaves_the_pending_hunks(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    nvim.command("write")
    assert states(nvim) == ["applied", "pending"]
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == (LETTERS, ["applied", "pending"])
    nvim.command("redo")
    apply(nvim, all=True)
    assert (disk(nvim), nvim.lines()) == (FIRST_APPLIED, BOTH_APPLIED)


@pytest.mark.parametrize("command", ["write other.txt", "1,3write other.txt"])
def test_a_write_to_another_file_settles_nothing(nvim: Editor, command: str) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    nvim.command(command)
    nvim.command("undo")
    assert states(nvim) == ["pending", "pending"]


def test_a_write_that_fails_settles_nothing(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, HUNKS)
    apply(nvim)
    # A folder in the file's place: no user, not even root, can write there.
    (nvim.home / "letters.txt").unlink()
    (nvim.home / "letters.txt").mkdir()
    nvim.command("silent! write!")
    nvim.command("undo")
    assert states(nvim) == ["pending", "pending"]


# The end of the last line, which is no part of Neovim's undo history

LAST_NEWLINE = {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 1}}


@pytest.mark.parametrize("text", ["\n", "\nc"])
def test_undo_and_redo_take_the_end_of_the_last_line_along(nvim: Editor, text: str) -> None:
    nvim.command("set nofixeol")
    nvim.edit("a\nb", name="file.txt", filetype="text")
    before = nvim.eval("&endofline")
    edit = {"range": LAST_NEWLINE, "newText": text + ("\n" if text != "\n" else "")}
    propose(nvim, [edit], eol=False)
    apply(nvim)
    assert (states(nvim), before, nvim.eval("&endofline")) == (["applied"], 0, 1)
    nvim.command("undo")
    assert (nvim.lines(), states(nvim)) == (["a", "b"], ["pending"])
    nvim.wait_for(lambda: nvim.eval("&endofline") == 0)
    nvim.command("redo")
    assert states(nvim) == ["applied"]
    nvim.wait_for(lambda: nvim.eval("&endofline") == 1)
