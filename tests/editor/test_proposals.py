"""Proposals in a real Neovim: what is drawn, where hunks land, what undo gives back; no text is ever lost."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from proposing import LETTERS, Edit, propose, rows

from neovim_child import Editor

PROPERTY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def edits_between(old: list[str], new: list[str]) -> list[Edit]:
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        rows(first, last, *new[to:end])
        for tag, first, last, to, end in matcher.get_opcodes()
        if tag != "equal"
    ]


def shown(nvim: Editor) -> list[tuple[str, int | None]]:
    """State and first line of each hunk."""
    return [
        (hunk["state"], hunk.get("first")) for hunk in nvim.lua("return require('vivek.proposals').hunks(0)")
    ]


def marks(nvim: Editor) -> list[tuple[int, dict[str, Any]]]:
    """Line (0-based) and details of every extmark that is drawn."""
    code = """
        local namespace = vim.api.nvim_get_namespaces().vivek_proposal
        return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
    """
    return [(mark[1], mark[3]) for mark in nvim.lua(code)]


def virtual_lines(nvim: Editor) -> list[tuple[int, list[str]]]:
    """Line (0-based; -1 is above the first one) below which virtual lines are drawn, and their text."""
    return [
        (
            -1 if details.get("virt_lines_above") else row,
            ["".join(chunk[0] for chunk in line).rstrip() for line in details["virt_lines"]],
        )
        for row, details in marks(nvim)
        if details.get("virt_lines")
    ]


def notes(nvim: Editor) -> list[tuple[int, str]]:
    return [
        (row, "".join(chunk[0] for chunk in details["virt_text"]))
        for row, details in marks(nvim)
        if details.get("virt_text")
    ]


def removed_rows(nvim: Editor) -> list[int]:
    return [
        line
        for row, details in marks(nvim)
        if details.get("hl_group") == "VivekDelete"
        for line in range(row, details["end_row"])
    ]


def apply(nvim: Editor, **choice: Any) -> None:
    nvim.lua("require('vivek.proposals').apply(0, ...)", choice)


def reject(nvim: Editor, **choice: Any) -> None:
    nvim.lua("require('vivek.proposals').reject(0, ...)", choice)


def outcome(nvim: Editor, run: str = "r1") -> dict[str, int]:
    return dict(nvim.lua("return require('vivek.proposals').outcome(0, ...)", run))


def listen(nvim: Editor) -> None:
    nvim.lua("""
        _G.heard = {}
        vim.api.nvim_create_autocmd('User', {
          pattern = 'VivekHunk',
          callback = function(event) table.insert(_G.heard, event.data) end,
        })
    """)


def heard(nvim: Editor) -> list[tuple[int, str]]:
    return [(event["hunk"], event["action"]) for event in nvim.lua("return _G.heard")]


@pytest.fixture
def letters(nvim: Editor) -> Editor:
    """A file of eight lines, each a letter."""
    nvim.edit("\n".join(LETTERS) + "\n", name="letters.txt", filetype="text")
    return nvim


# What is drawn


def test_showing_hunks_touches_neither_text_nor_undo_nor_modified(letters: Editor) -> None:
    before = letters.undo_sequence()
    propose(letters, [rows(1, 2, "B"), rows(4, 4, "new"), rows(6, 7)])
    assert letters.lines() == LETTERS
    assert letters.undo_sequence() == before
    assert letters.eval("&modified") == 0


def test_removed_lines_are_highlighted_and_added_lines_are_virtual(letters: Editor) -> None:
    propose(letters, [rows(1, 3, "B", "C"), rows(5, 5, "new"), rows(6, 7)])
    assert removed_rows(letters) == [1, 2, 6]
    assert virtual_lines(letters) == [(2, ["B", "C"]), (4, ["new"])]


def test_all_kinds_of_hunks_are_on_the_screen(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top 1", "top 2"), rows(1, 2, "B"), rows(8, 8, "bottom")])
    text = "\n".join(letters.screen())
    assert text.startswith("top 1\ntop 2\na hunk 1 of 3")
    assert "b\nB\nc\n" in text
    assert "h\nbottom\n~" in text


def test_lines_above_line_1_show_again_after_scrolling_back(nvim: Editor) -> None:
    nvim.edit("".join(f"line {number}\n" for number in range(200)), name="long.txt")
    propose(nvim, [rows(0, 0, "top 1", "top 2")])
    nvim.feed("G")
    assert "top 1" not in nvim.screen()
    nvim.feed("gg")
    nvim.screen()
    nvim.wait_for(lambda: nvim.screen()[:2] == ["top 1", "top 2"])


def test_changed_words_are_marked_in_the_removed_and_in_the_added_line(nvim: Editor) -> None:
    nvim.edit("return a + b\n", name="a.py")
    propose(nvim, [rows(0, 1, "return a - b")])
    words = [
        (row, details["end_col"])
        for row, details in marks(nvim)
        if details.get("hl_group") == "VivekDeleteText"
    ]
    assert words == [(0, 10)]
    chunks = next(details["virt_lines"][0] for _, details in marks(nvim) if details.get("virt_lines"))
    assert [chunk for chunk in chunks if chunk[1] == "VivekAddText"] == [["-", "VivekAddText"]]


def test_virtual_lines_show_tabs_and_control_characters_as_the_buffer_does(nvim: Editor) -> None:
    nvim.edit("x\n", name="a.txt")
    nvim.command("set tabstop=4")
    propose(nvim, [rows(0, 1, "\ta\tb", "c\rd\0e")])
    assert virtual_lines(nvim) == [(0, ["    a   b", "c^Md^@e"])]


def test_added_lines_are_padded_to_the_width_of_the_window(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "漢字")])
    line = next(details["virt_lines"][0] for _, details in marks(letters) if details.get("virt_lines"))
    assert letters.lua("return vim.api.nvim_strwidth(...)", "".join(chunk[0] for chunk in line)) == 100


def test_a_long_added_line_wraps_where_the_window_wraps(letters: Editor) -> None:
    long = "漢" * 60 + "end"
    propose(letters, [rows(1, 2, long)])
    assert virtual_lines(letters) == [(1, ["漢" * 50, "漢" * 10 + "end"])]
    letters.command("set nowrap | doautocmd WinResized")
    letters.wait_for(lambda: virtual_lines(letters) == [(1, [long])])


def test_the_hint_names_the_keys_at_the_current_hunk(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    assert notes(letters) == [(1, "hunk 1 of 2 · \\a apply · \\r reject · ]v next")]
    letters.command("normal! G")
    letters.command("doautocmd CursorMoved")
    assert notes(letters) == [(6, "hunk 2 of 2 · \\a apply · \\r reject · ]v next")]


def test_a_hint_that_has_no_room_beside_the_line_is_drawn_below(nvim: Editor) -> None:
    nvim.edit("x" * 80 + "\n", name="a.txt")
    propose(nvim, [rows(0, 1, "y")])
    assert notes(nvim) == []
    assert virtual_lines(nvim) == [(0, ["y", "hunk 1 of 1 · \\a apply · \\r reject"])]


def test_a_hint_is_not_cut_off_in_a_narrow_window(nvim: Editor) -> None:
    nvim.command("set columns=24")
    nvim.edit("x" * 30 + "\n", name="a.txt")
    propose(nvim, [rows(0, 1, "y")])
    assert virtual_lines(nvim) == [(0, ["y", "hunk 1 of 1 · \\a apply", "\\r reject"])]


def test_highlights_survive_a_change_of_the_colour_scheme(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    letters.command("colorscheme desert")
    for name in ("VivekAdd", "VivekDelete", "VivekHint"):
        assert letters.lua("return next(vim.api.nvim_get_hl(0, { name = ... })) ~= nil", name)


def test_a_highlight_of_the_user_is_not_replaced(letters: Editor) -> None:
    letters.command("highlight VivekAdd guifg=#123456")
    propose(letters, [rows(1, 2, "B")])
    assert letters.lua("return vim.api.nvim_get_hl(0, { name = 'VivekAdd' }).fg") == 0x123456


def test_drawing_follows_a_buffer_that_another_program_rewrites_in_whole(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    letters.set_lines(["new", *LETTERS])
    letters.wait_for(lambda: removed_rows(letters) == [2, 7])
    assert virtual_lines(letters) == [(2, ["B"]), (7, ["G"])]


def test_the_highlight_of_the_only_line_comes_back_after_it_was_deleted(nvim: Editor) -> None:
    nvim.edit("\n", name="a.txt", filetype="text")
    propose(nvim, [rows(0, 1, "A")])
    assert removed_rows(nvim) == [0]
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 1, true, {})")
    assert removed_rows(nvim) == []
    nvim.wait_for(lambda: removed_rows(nvim) == [0])


def test_nothing_stays_drawn_of_a_hunk_that_the_user_made_and_wrote_themselves(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    propose(letters, [rows(6, 7, "G")], run="r2")
    letters.lua("vim.api.nvim_buf_set_lines(0, 1, 2, true, { 'B' }) vim.cmd.write()")
    assert shown(letters) == [("pending", 7)]
    assert virtual_lines(letters) == [(6, ["G"])]


def test_a_reload_from_disk_keeps_the_hunks(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    (letters.home / "letters.txt").write_text("x\n" + "\n".join(LETTERS) + "\n")
    letters.command("edit!")
    letters.wait_for(lambda: removed_rows(letters) == [2])
    apply(letters)
    assert letters.lines() == ["x", "a", "B", *LETTERS[2:]]


# Walking through


def test_next_and_prev_walk_in_order_and_wrap(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top"), rows(1, 2, "B"), rows(5, 5, "new")])
    visited = []
    for _ in range(4):
        letters.lua("require('vivek.proposals').next(0)")
        visited.append((letters.eval("line('.')"), notes(letters)[0][1][:11]))
    assert visited == [(2, "hunk 2 of 3"), (5, "hunk 3 of 3"), (1, "hunk 1 of 3"), (2, "hunk 2 of 3")]
    letters.lua("require('vivek.proposals').prev(0, 2)")
    assert notes(letters)[0][1].startswith("hunk 3 of 3")


def test_two_insertions_around_line_1_are_both_reached(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top"), rows(1, 1, "below a")])
    current = []
    for _ in range(3):
        letters.lua("require('vivek.proposals').next(0)")
        current.append(notes(letters)[0][1][:6])
    assert current == ["hunk 2", "hunk 1", "hunk 2"]
    apply(letters)
    assert letters.lines()[:3] == ["a", "below a", "b"]


def test_going_to_a_hunk_opens_the_fold_over_it_and_leaves_a_jump(letters: Editor) -> None:
    propose(letters, [rows(5, 6, "F")])
    letters.command("4,8fold")
    assert letters.eval("foldclosed(6)") == 4
    letters.lua("require('vivek.proposals').next(0)")
    assert (letters.eval("line('.')"), letters.eval("foldclosed(6)")) == (6, -1)
    letters.feed("``")
    assert letters.eval("line('.')") == 1


def test_a_hunk_that_is_gone_to_is_on_the_screen_in_whole(nvim: Editor) -> None:
    nvim.edit("".join(f"line {number}\n" for number in range(200)), name="long.txt")
    propose(nvim, [rows(100, 100, *(f"new {number}" for number in range(12)))])
    nvim.lua("require('vivek.proposals').next(0)")
    screen = nvim.screen()
    assert "new 0" in screen
    assert "new 11" in screen


# Applying


def test_apply_changes_the_nearest_hunk_only(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(4, 4, "new"), rows(6, 7)])
    letters.command("5")
    apply(letters)
    assert letters.lines() == ["a", "b", "c", "d", "new", *LETTERS[4:]]
    assert shown(letters) == [("pending", 2), ("applied", 5), ("pending", 8)]


def test_apply_with_a_count_takes_that_many(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(4, 4, "new"), rows(6, 7)])
    apply(letters, count=2)
    assert letters.lines() == ["a", "B", "c", "d", "new", *LETTERS[4:]]


def test_apply_all_is_one_undo_block(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top"), rows(1, 2, "B"), rows(4, 4, "new"), rows(6, 7), rows(8, 8, "end")])
    apply(letters, all=True)
    assert letters.lines() == ["top", "a", "B", "c", "d", "new", "e", "f", "h", "end"]
    letters.command("undo")
    assert letters.lines() == LETTERS
    letters.command("redo")
    assert letters.lines() == ["top", "a", "B", "c", "d", "new", "e", "f", "h", "end"]


def test_each_single_apply_is_an_undo_block_even_in_one_command(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    letters.lua("""
        vim.api.nvim_buf_set_lines(0, 0, 1, true, { 'A' })
        require('vivek.proposals').apply(0, {})
        require('vivek.proposals').apply(0, {})
        vim.api.nvim_buf_set_lines(0, 7, 8, true, { 'H' })
    """)
    assert letters.lines() == ["A", "B", "c", "d", "e", "f", "G", "H"]
    states = []
    for _ in range(4):
        letters.command("undo")
        states.append("".join(letters.lines()))
    assert states == ["ABcdefGh", "ABcdefgh", "Abcdefgh", "abcdefgh"]


def test_applying_in_the_middle_of_an_insert_keeps_the_undo_history_whole(letters: Editor) -> None:
    propose(letters, [rows(5, 6, "F1", "F2")])
    letters.lua("""
        vim.keymap.set('i', '<F2>', function() require('vivek.proposals').apply(0, {}) end)
    """)
    letters.feed("Aone<F2>two<Esc>")
    assert letters.lines() == ["aonetwo", "b", "c", "d", "e", "F1", "F2", "g", "h"]
    states = []
    for _ in range(3):
        letters.command("undo")
        states.append(letters.lines())
    assert states == [
        ["aone", "b", "c", "d", "e", "F1", "F2", "g", "h"],
        ["aone", *LETTERS[1:]],
        LETTERS,
    ]


def test_undo_after_an_apply_leaves_the_other_hunks_right(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B1", "B2", "B3"), rows(4, 5), rows(6, 7, "G")])
    apply(letters)
    letters.command("undo")
    assert letters.lines() == LETTERS
    assert shown(letters) == [("pending", 2), ("pending", 5), ("pending", 7)]
    apply(letters, all=True)
    assert letters.lines() == ["a", "B1", "B2", "B3", "c", "d", "f", "G", "h"]


def test_marks_folds_and_foreign_extmarks_stay_on_lines_that_do_not_change(letters: Editor) -> None:
    letters.command("3mark c | 7mark g | 7,8fold")
    place = """
        _G.space = vim.api.nvim_create_namespace('other')
        _G.mark = vim.api.nvim_buf_set_extmark(0, _G.space, 6, 1, {})
    """
    letters.lua(place)
    propose(letters, [rows(0, 1, "a1", "a2"), rows(1, 1, "x"), rows(3, 5, "d", "E")])
    apply(letters, all=True)
    assert letters.lines() == ["a1", "a2", "x", "b", "c", "d", "E", "f", "g", "h"]
    assert (letters.eval('line("\'c")'), letters.eval('line("\'g")'), letters.eval("foldclosed(9)")) == (
        5,
        9,
        9,
    )
    assert letters.lua("return vim.api.nvim_buf_get_extmark_by_id(0, _G.space, _G.mark, {})") == [8, 1]


def test_an_extmark_in_the_unchanged_part_of_a_changed_line_stays(nvim: Editor) -> None:
    nvim.edit("value = compute(old)\n", name="a.py")
    nvim.lua("_G.mark = vim.api.nvim_buf_set_extmark(0, vim.api.nvim_create_namespace('other'), 0, 8, {})")
    propose(nvim, [rows(0, 1, "value = compute(new)")])
    apply(nvim)
    position = "vim.api.nvim_buf_get_extmark_by_id(0, vim.api.nvim_create_namespace('other'), _G.mark, {})"
    assert nvim.lua("return " + position) == [0, 8]


def test_the_cursor_stays_on_its_line(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top", "top"), rows(2, 3)])
    letters.command("5")
    apply(letters, all=True)
    assert letters.eval("getline('.')") == "e"


def test_hunks_apply_in_a_buffer_that_no_window_shows(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    number = letters.eval("bufnr()")
    letters.command("enew")
    letters.lua("require('vivek.proposals').apply(..., { all = true })", number)
    assert letters.lines(number) == ["a", "B", *LETTERS[2:]]


# Files of every kind: what is written is byte for byte right


@pytest.mark.parametrize(
    ("content", "edits", "expected"),
    [
        (b"a\nb\n", [rows(2, 2, "c")], b"a\nb\nc\n"),
        (b"a\nb\n", [rows(0, 2)], b""),
        (b"", [rows(0, 0, "x", "y")], b"x\ny\n"),
        (b"a\r\nb\r\n", [rows(1, 2, "B", "c")], b"a\r\nB\r\nc\r\n"),
        (b"a\r\nb\nc\r\n", [rows(1, 2, "B\r")], b"a\r\nB\r\nc\r\n"),
        (b"a\rb\nc\n", [rows(1, 2, "C")], b"a\rb\nC\n"),
        (b"a\0b\nc\n", [rows(0, 1, "a\0c")], b"a\0c\nc\n"),
        (b"a\xff\xfe\nc\n", [rows(1, 2, "C")], b"a\xff\xfe\nC\n"),
        (b"\xff x\n", [rows(0, 1, "\udcff y")], b"\xff y\n"),
        ("e\u0301 漢 😀\n".encode(), [rows(0, 1, "e\u0300 漢 😁")], "e\u0300 漢 😁\n".encode()),
        (b"\tif x:\n\t\ty\n", [rows(1, 2, "\t\tz")], b"\tif x:\n\t\tz\n"),
    ],
)
def test_a_written_file_has_the_right_bytes(
    nvim: Editor, content: bytes, edits: list[Edit], expected: bytes
) -> None:
    nvim.edit(content.decode("utf-8", "surrogateescape"), name="file.txt", filetype="text")
    propose(nvim, edits)
    apply(nvim, all=True)
    nvim.command("write")
    assert (nvim.home / "file.txt").read_bytes() == expected


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (rows(0, 1, "A"), b"A\nb"),
        ({**rows(1, 1), "range": {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 1}},
          "newText": "\nc"}, b"a\nb\nc"),
        ({**rows(1, 1), "range": {"start": {"line": 1, "character": 1}, "end": {"line": 1, "character": 1}},
          "newText": "\n"}, b"a\nb\n"),
        ({**rows(1, 1), "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 1}},
          "newText": "B"}, b"a\nB"),
    ],
)  # fmt: skip
def test_a_file_without_a_final_newline_gets_one_only_by_an_edit_about_it(
    nvim: Editor, edit: Edit, expected: bytes
) -> None:
    nvim.command("set nofixeol")
    nvim.edit("a\nb", name="file.txt", filetype="text")
    propose(nvim, [edit], eol=False)
    apply(nvim)
    nvim.command("write")
    assert (nvim.home / "file.txt").read_bytes() == expected


@pytest.mark.parametrize(
    ("option", "way_out"), [("nomodifiable", "setlocal modifiable"), ("readonly", "noreadonly")]
)
def test_apply_refuses_where_the_buffer_takes_no_change_and_the_proposal_stays(
    letters: Editor, option: str, way_out: str
) -> None:
    propose(letters, [rows(1, 2, "B")])
    letters.command(f"setlocal {option}")
    apply(letters)
    assert letters.lines() == LETTERS
    assert way_out in letters.messages()
    assert shown(letters) == [("pending", 2)]
    assert virtual_lines(letters) == [(1, ["B"])]


# The user goes on typing


def test_a_hunk_moves_with_the_lines_above_it(letters: Editor) -> None:
    propose(letters, [rows(5, 6, "F")])
    letters.set_lines(["x", "y", *LETTERS])
    apply(letters)
    assert letters.lines() == ["x", "y", "a", "b", "c", "d", "e", "F", "g", "h"]


def test_a_hunk_whose_lines_changed_is_stale_and_never_applied(letters: Editor) -> None:
    listen(letters)
    propose(letters, [rows(1, 3, "B", "C"), rows(6, 7, "G")])
    letters.command("3s/c/mine")
    apply(letters, all=True)
    assert letters.lines() == ["a", "b", "mine", "d", "e", "f", "G", "h"]
    assert "hunk 1 was not applied: line 2 changed since the ask" in letters.messages()
    assert "\\r" in letters.messages()
    assert shown(letters) == [("stale", 2), ("applied", 7)]


def test_a_stale_hunk_is_drawn_as_such_and_fits_again_when_the_change_is_taken_back(letters: Editor) -> None:
    listen(letters)
    propose(letters, [rows(1, 2, "B")])
    letters.command("2s/b/mine")
    letters.wait_for(lambda: any("conflicts" in note for _, note in notes(letters)))
    assert removed_rows(letters) == []
    assert virtual_lines(letters) == [(1, ["B"])]
    letters.command("undo")
    letters.wait_for(lambda: removed_rows(letters) == [1])
    assert heard(letters) == [(1, "stale"), (1, "pending")]
    apply(letters)
    assert letters.lines() == ["a", "B", *LETTERS[2:]]


def test_staleness_is_seen_by_an_apply_in_the_very_tick_of_the_change(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    letters.lua("""
        vim.api.nvim_buf_set_lines(0, 1, 2, true, { 'mine' })
        require('vivek.proposals').apply(0, { all = true })
    """)
    assert letters.lines() == ["a", "mine", *LETTERS[2:]]


def test_a_proposal_for_a_text_that_changed_before_it_came_is_located(letters: Editor) -> None:
    code = """
        local base = vim.api.nvim_buf_get_lines(0, 0, -1, true)
        vim.api.nvim_buf_set_lines(0, 0, 1, true, { 'x', 'y' })
        require('vivek.proposals').show(0, 'r1', base, ..., { eol = true })
    """
    letters.lua(code, [rows(0, 1, "A"), rows(4, 5, "E")])
    assert shown(letters) == [("stale", 1), ("pending", 6)]


def test_hunks_that_came_to_touch_apply_together(nvim: Editor) -> None:
    nvim.edit("x\ny\nz\n", name="a.txt")
    propose(nvim, [rows(0, 0, "top"), rows(1, 3)])
    nvim.set_lines(["y", "z"])
    apply(nvim, all=True)
    assert nvim.lines() == ["top"]


# Rejecting, replacing, ending


def test_reject_leaves_the_text_and_counts(letters: Editor) -> None:
    before = letters.undo_sequence()
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    reject(letters)
    assert outcome(letters) == {"applied": 0, "rejected": 1, "pending": 1}
    assert virtual_lines(letters) == [(6, ["G"])]
    reject(letters, all=True)
    assert (letters.lines(), letters.undo_sequence()) == (LETTERS, before)
    assert outcome(letters) == {"applied": 0, "rejected": 2, "pending": 0}
    assert marks(letters) == []


def test_every_change_of_state_is_told(letters: Editor) -> None:
    listen(letters)
    propose(letters, [rows(1, 2, "B"), rows(4, 5, "E"), rows(6, 7, "G")])
    apply(letters)
    reject(letters)
    apply(letters, all=True)
    assert heard(letters) == [(1, "applied"), (2, "rejected"), (3, "applied")]
    event = letters.lua("return _G.heard[1]")
    assert (event["run"], event["buf"]) == ("r1", letters.eval("bufnr()"))


def test_a_listener_may_apply_the_next_hunk(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(4, 5, "E"), rows(6, 7, "G")])
    letters.lua("""
        vim.api.nvim_create_autocmd('User', {
          pattern = 'VivekHunk',
          callback = function() require('vivek.proposals').apply(0, {}) end,
          nested = true,
        })
        require('vivek.proposals').apply(0, {})
    """)
    assert letters.lines() == ["a", "B", "c", "d", "E", "f", "G", "h"]


def test_a_new_proposal_stands_beside_the_old_one(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    propose(letters, [rows(6, 7, "G")], run="r2")
    assert virtual_lines(letters) == [(1, ["B"]), (6, ["G"])]
    apply(letters, all=True)
    assert letters.lines() == ["a", "B", *LETTERS[2:6], "G", "h"]
    for run in ("r1", "r2"):
        assert outcome(letters, run) == {"applied": 1, "rejected": 0, "pending": 0}
    letters.command("undo")
    assert letters.lines() == LETTERS


def test_a_second_ask_about_the_same_lines_takes_the_place_of_the_first(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    propose(letters, [rows(1, 2, "better")], run="r2", replaces=["r1"])
    assert virtual_lines(letters) == [(1, ["better"]), (6, ["G"])]
    letters.lua("require('vivek.proposals').restore(0)")
    assert virtual_lines(letters) == [(1, ["better"]), (1, ["B"]), (6, ["G"])]


def test_of_two_proposals_for_the_same_lines_the_newer_is_applied_and_the_other_conflicts(
    letters: Editor,
) -> None:
    propose(letters, [rows(1, 2, "old one")])
    propose(letters, [rows(1, 2, "new one")], run="r2")
    apply(letters, all=True)
    assert letters.lines() == ["a", "new one", *LETTERS[2:]]
    assert shown(letters) == [("stale", 2), ("applied", 2)]
    letters.command("undo")
    assert shown(letters) == [("pending", 2), ("pending", 2)]


def test_what_an_earlier_session_applied_but_the_file_never_got_is_pending(letters: Editor) -> None:
    applied = {"state": "applied"}
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")], marks=[applied, applied])
    assert shown(letters) == [("pending", 2), ("pending", 7)]


def test_what_an_earlier_session_applied_and_is_in_the_file_is_applied(letters: Editor) -> None:
    letters.set_lines(["a", "B", *LETTERS[2:]])
    letters.lua(
        "require('vivek.proposals').show(0, 'r1', ...)",
        LETTERS,
        [rows(1, 2, "B"), rows(6, 7, "G")],
        {"eol": True, "marks": [{"state": "applied"}, {"state": "pending"}]},
    )
    assert shown(letters) == [("applied", 2), ("pending", 7)]


def test_after_a_reload_what_was_applied_and_is_not_on_disk_is_pending_again(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "top 1", "top 2"), rows(8, 8, "end")])
    apply(letters, all=True)
    (letters.home / "letters.txt").write_text("x\n" + "\n".join(LETTERS) + "\n")
    letters.command("edit!")
    assert shown(letters) == [("pending", 2), ("pending", 10)]
    letters.command("undo")
    assert shown(letters) == [("applied", 1), ("applied", 11)]


def test_a_line_that_another_proposal_brings_back_can_be_taken_away_again(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "x")])
    apply(letters)
    propose(letters, [rows(0, 1), rows(5, 5, "new")], run="r2")
    letters.command("undo")
    assert shown(letters) == [("pending", 1), ("applied", 1), ("pending", 5)]
    apply(letters, all=True)
    assert letters.lines() == ["x", *LETTERS[:4], "new", *LETTERS[4:]]
    assert shown(letters) == [("applied", 1), ("pending", 1), ("applied", 6)]


def test_a_state_that_redo_leads_back_to_has_the_hunks_as_they_were(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "x")])
    apply(letters)
    propose(letters, [rows(0, 1)], run="r2")
    for _ in range(2):
        assert shown(letters) == [("applied", 1), ("pending", 1)]
        letters.command("undo")
        assert shown(letters) == [("pending", 1), ("applied", 1)]
        letters.command("redo")


def test_an_undo_brings_hunks_back_of_however_many_proposals(letters: Editor) -> None:
    for number in range(12):
        propose(letters, [rows(1, 2, f"line {number}")], run=f"r{number}")
        apply(letters)
    assert [state for state, _ in shown(letters)] == ["applied"] * 12
    for number in reversed(range(12)):
        letters.command("undo")
        states = [state for state, _ in shown(letters)]
        assert states[number] == "pending"
        assert states[:number] == ["applied"] * number


def test_the_oldest_of_many_proposals_can_be_restored_right_after_it_was_rejected(letters: Editor) -> None:
    for number in range(12):
        propose(letters, [rows(number % 8, number % 8 + 1, f"line {number}")], run=f"r{number}")
    for number in reversed(range(12)):
        letters.command(str(number % 8 + 1))
        reject(letters)
    assert [state for state, _ in shown(letters)] == ["rejected"] * 12
    letters.lua("require('vivek.proposals').restore(0, { all = true })")
    assert [state for state, _ in shown(letters)] == ["pending"] * 12


def test_commands_without_a_proposal_say_so(letters: Editor) -> None:
    for name in ("apply", "reject", "next", "prev"):
        letters.lua(f"require('vivek.proposals').{name}(0)")
    assert letters.messages().count("no hunks are proposed here") == 4


def test_a_wiped_buffer_takes_its_proposal_along_without_errors(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    number = letters.eval("bufnr()")
    letters.lua("vim.api.nvim_buf_set_lines(0, 0, 1, true, { 'x' })")
    letters.command("enew | bwipeout! " + str(number))
    letters.lua("require('vivek.proposals').apply(...)", number)
    assert "no hunks are proposed here" in letters.messages()
    assert letters.lua("return require('vivek.proposals').pending_text(...) == nil", number)
    assert not [line for line in letters.messages().splitlines() if line.startswith("E")]


def test_several_buffers_have_each_their_own_proposal(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B")])
    letters.edit("one\ntwo\n", name="other.txt")
    propose(letters, [rows(0, 1, "ONE")], run="r2")
    apply(letters, all=True)
    assert letters.lines() == ["ONE", "two"]
    letters.command("buffer letters.txt")
    assert shown(letters) == [("pending", 2)]


# The text with the pending hunks in it


def pending(nvim: Editor) -> tuple[list[str], int, int]:
    text = nvim.lua("return require('vivek.proposals').pending_text(0)")
    return list(text["lines"]), text["first"], text["last"]


def test_the_pending_text_has_the_hunks_and_tells_where_the_target_is(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "import"), rows(2, 3, "C1", "C2"), rows(4, 5)], target=[3, 5])
    assert pending(letters) == (["import", "a", "b", "C1", "C2", "d", "f", "g", "h"], 4, 6)
    assert letters.lines() == LETTERS


def test_the_pending_text_follows_applies_rejects_and_typing(letters: Editor) -> None:
    propose(letters, [rows(0, 0, "import"), rows(2, 3, "C1", "C2"), rows(4, 5)], target=[3, 5])
    apply(letters)
    letters.set_lines(["typed", *letters.lines()])
    letters.command("7")
    reject(letters)
    assert pending(letters) == (["typed", "import", "a", "b", "C1", "C2", "d", "e", "f", "g", "h"], 5, 8)


def test_stale_hunks_are_not_in_the_pending_text(letters: Editor) -> None:
    propose(letters, [rows(1, 2, "B"), rows(6, 7, "G")])
    letters.command("2s/b/mine")
    lines, _, _ = pending(letters)
    assert lines == ["a", "mine", "c", "d", "e", "f", "G", "h"]


# Properties: random texts, random edits, a user who types before anything is applied


def run_case(nvim: Editor, base: list[str], edits: list[Edit], user: list[str]) -> dict[str, Any]:
    """Propose for `base`, let the user's text come, apply all; then take it back with one undo."""
    code = """
        local base, edits, user = ...
        local proposal = require('vivek.proposals')
        vim.cmd('silent! %delete _')
        vim.api.nvim_buf_set_lines(0, 0, -1, true, base)
        proposal.show(0, 'r1', base, edits, { eol = true })
        vim.api.nvim_buf_set_lines(0, 0, -1, true, user)
        local before, state = proposal.hunks(0), vim.fn.undotree().seq_cur
        proposal.apply(0, { all = true })
        local result = vim.api.nvim_buf_get_lines(0, 0, -1, true)
        local applied = proposal.outcome(0, 'r1').applied
        if vim.fn.undotree().seq_cur > state then
          vim.cmd('silent undo')
        end
        local undone = vim.api.nvim_buf_get_lines(0, 0, -1, true)
        proposal.clear(0)
        return { before = before, result = result, undone = undone, applied = applied }
    """
    return dict(nvim.lua(code, base, edits, user))


@st.composite
def distinct_cases(draw: st.DrawFn) -> tuple[list[str], list[str], list[str], list[list[str]], list[bool]]:
    """Base, proposed text, user's text, and what the user did: lines typed into each gap, base lines kept.

    No two lines are alike, so that it is certain what every change means.
    """
    count = draw(st.integers(1, 14))
    base = [f"base {number}" for number in range(count)]
    proposed: list[str] = []
    for number, line in enumerate(base):
        action = draw(st.sampled_from(["keep", "keep", "keep", "change", "delete", "insert"]))
        if action == "insert":
            proposed.extend(f"new {number}.{extra}" for extra in range(draw(st.integers(1, 3))))
        if action == "change":
            proposed.append(f"changed {number}")
        if action in ("keep", "insert"):
            proposed.append(line)
    gaps = [
        [f"typed{gap}_{extra}" for extra in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2])))]
        for gap in range(count + 1)
    ]
    kept = [draw(st.sampled_from([True, True, True, False])) for _ in base]
    user: list[str] = []
    for number, line in enumerate(base):
        user += gaps[number] + ([line] if kept[number] else [])
    user += gaps[count]
    # A buffer always has a line: an empty one is not told from one empty line.
    assume(user)
    return base, proposed, user, gaps, kept


def expected_text(
    base: list[str], edits: list[Edit], gaps: list[list[str]], kept: list[bool]
) -> tuple[list[str], int]:
    """The user's text with every hunk that still fits, and the number of these hunks."""
    count = len(base)
    before_gap: dict[int, list[str]] = {}
    after_gap: dict[int, list[str]] = {}
    replaced: dict[int, list[str]] = {}
    dropped: set[int] = set()
    fitting = 0
    for edit in edits:
        first, last = edit["range"]["start"]["line"], edit["range"]["end"]["line"]
        new = edit["newText"].split("\n")[:-1]
        if first < last:
            if not all(kept[first:last]) or any(gaps[first + 1 : last]):
                continue
            replaced[first] = new
            dropped.update(range(first, last))
        else:
            above = first == 0 or kept[first - 1]
            below = first == count or kept[first]
            inside = first > 0 and first < count and not above and not below
            if inside:
                continue
            # What was typed at the place belongs to a line that was taken away there; else it stays above.
            (before_gap if first < count and not below else after_gap)[first] = new
        fitting += 1
    result: list[str] = []
    for number in range(count + 1):
        result += (
            before_gap.get(number, []) + gaps[number] + after_gap.get(number, []) + replaced.get(number, [])
        )
        if number < count and kept[number] and number not in dropped:
            result.append(base[number])
    return result, fitting


def is_plain(edits: list[Edit], gaps: list[list[str]], kept: list[bool]) -> bool:
    """Whether the user left the lines of each hunk alone, or took all of them away: nothing is to be merged."""
    for edit in edits:
        first, last = edit["range"]["start"]["line"], edit["range"]["end"]["line"]
        if any(kept[first:last]) and (not all(kept[first:last]) or any(gaps[first + 1 : last])):
            return False
    return True


@PROPERTY
@given(case=distinct_cases())
def test_no_typed_line_is_lost_whatever_is_merged(
    nvim: Editor, case: tuple[list[str], list[str], list[str], list[list[str]], list[bool]]
) -> None:
    base, proposed, user, gaps, _ = case
    outcome = run_case(nvim, base, edits_between(base, proposed), user)
    typed = [line for gap in gaps for line in gap]
    assert [line for line in outcome["result"] if line.startswith("typed")] == typed
    assert outcome["undone"] == user


@PROPERTY
@given(case=distinct_cases())
def test_hunks_land_where_their_lines_are_and_the_rest_is_the_users(
    nvim: Editor, case: tuple[list[str], list[str], list[str], list[list[str]], list[bool]]
) -> None:
    base, proposed, user, gaps, kept = case
    edits = edits_between(base, proposed)
    assume(is_plain(edits, gaps, kept))
    expected, _ = expected_text(base, edits, gaps, kept)
    outcome = run_case(nvim, base, edits, user)
    assert outcome["result"] == (expected or [""])
    assert outcome["undone"] == user


AMBIGUOUS = st.lists(st.sampled_from(["", "a", "}", "  x"]), min_size=1, max_size=12)


@PROPERTY
@given(base=AMBIGUOUS, proposed=AMBIGUOUS, user=AMBIGUOUS)
def test_no_line_of_the_user_is_lost_where_lines_repeat_themselves(
    nvim: Editor, base: list[str], proposed: list[str], user: list[str]
) -> None:
    outcome = run_case(nvim, base, edits_between(base, proposed), user)
    count = Counter(user)
    for hunk in outcome["before"]:
        if hunk["state"] == "pending":
            assert user[hunk["first"] - 1 : hunk["last"]] == hunk["old"]
            count.subtract(hunk["old"])
            count.update(hunk["new"])
    result = Counter(outcome["result"])
    if not +count:
        count[""] += 1
    assert result == +count
    assert outcome["undone"] == user


@PROPERTY
@given(case=distinct_cases(), order=st.permutations(range(14)), undone=st.sets(st.integers(0, 13)))
def test_hunks_applied_one_by_one_in_any_order_with_undos_between_end_in_the_same_text(
    nvim: Editor,
    case: tuple[list[str], list[str], list[str], list[list[str]], list[bool]],
    order: list[int],
    undone: set[int],
) -> None:
    base, proposed, user, gaps, kept = case
    edits = edits_between(base, proposed)
    assume(is_plain(edits, gaps, kept))
    code = """
        local base, edits, user, order, undone = ...
        local proposal = require('vivek.proposals')
        vim.cmd('silent! %delete _')
        vim.api.nvim_buf_set_lines(0, 0, -1, true, base)
        proposal.show(0, 'r1', base, edits, { eol = true })
        vim.api.nvim_buf_set_lines(0, 0, -1, true, user)
        for _, position in ipairs(order) do
          local hunk = proposal.hunks(0)[position + 1]
          if hunk and hunk.state == 'pending' then
            while #proposal.hunks(0) > 0 do
              proposal.next(0)
              local mark = vim.iter(vim.api.nvim_buf_get_extmarks(0,
                vim.api.nvim_get_namespaces().vivek_proposal, 0, -1, { details = true })):find(function(one)
                  local text = one[4].virt_text and one[4].virt_text[1][1] or ''
                  return text:find('^hunk ' .. hunk.id .. ' of')
                end)
              if mark then break end
            end
            proposal.apply(0, {})
            if vim.list_contains(undone, position) then
              vim.cmd('silent undo')
            end
          end
        end
        local result = vim.api.nvim_buf_get_lines(0, 0, -1, true)
        proposal.clear(0)
        return result
    """
    result = nvim.lua(code, base, edits, user, list(order), sorted(undone))
    wanted = [edit for number, edit in enumerate(edits) if number not in undone]
    expected, _ = expected_text(base, wanted, gaps, kept)
    assert result == (expected or [""])
