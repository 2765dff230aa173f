"""Where proposals of other tools land in the wrong place, lose text, or cannot be taken back: each case by name."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from proposing import Edit, propose, rows, states

from neovim_child import Editor

CODE = [
    "import os",
    "",
    "def first(a):",
    "    return a",
    "",
    "def second(b):",
    "    return b",
    "",
    "def third(c):",
    "    return c",
]
ANSWER = [rows(3, 4, "    return a + 1"), rows(6, 7, "    return b + 1"), rows(9, 10, "    return c + 1")]
ANSWERED = [line + " + 1" if "return" in line else line for line in CODE]


def code(nvim: Editor) -> int:
    return nvim.edit("\n".join(CODE) + "\n", name="code.py")


def answer_late(nvim: Editor, edits: list[Edit], then: Any, **options: Any) -> None:
    """Ask, let the user do something, and only then let the answer come."""
    buffer, base = int(nvim.api.get_current_buf().number), nvim.lines()
    then()
    nvim.lua(
        """
        local buf, base, edits, options = ...
        require('vivek.proposals').show(buf, 'r1', base, edits, vim.tbl_extend('keep', options, { eol = true }))
        """,
        buffer,
        base,
        edits,
        options,
    )


def call(nvim: Editor, name: str, **choice: Any) -> None:
    nvim.lua(f"require('vivek.proposals').{name}(0, ...)", choice)


# The wrong place


def test_lines_typed_above_while_the_model_thinks_do_not_shift_the_answer(nvim: Editor) -> None:
    code(nvim)
    answer_late(nvim, ANSWER[1:2], lambda: nvim.feed("ggO# one<CR># two<Esc>"))
    call(nvim, "apply")
    assert nvim.lines() == ["# one", "# two", *CODE[:6], "    return b + 1", *CODE[7:]]


def test_lines_deleted_above_while_the_model_thinks_do_not_shift_the_answer(nvim: Editor) -> None:
    code(nvim)
    answer_late(nvim, ANSWER[1:2], lambda: nvim.feed("ggd2d"))
    call(nvim, "apply")
    assert nvim.lines() == [*CODE[2:6], "    return b + 1", *CODE[7:]]


def test_a_selection_that_moved_neither_eats_nor_doubles_the_lines_around_it(nvim: Editor) -> None:
    code(nvim)
    whole = [rows(5, 7, "def second(b):", '    """Say more."""', "    return b + 1")]
    answer_late(nvim, whole, lambda: nvim.feed("3GO# above<Esc>Go# below<Esc>"))
    call(nvim, "apply", all=True)
    new = ["def second(b):", '    """Say more."""', "    return b + 1"]
    assert nvim.lines() == [*CODE[:2], "# above", *CODE[2:5], *new, *CODE[7:], "# below"]


def test_a_hunk_whose_old_lines_are_nowhere_in_the_file_is_not_applied(nvim: Editor) -> None:
    code(nvim)
    other = ["something", "else", "altogether"]
    answer_late(nvim, ANSWER, lambda: nvim.set_lines(other))
    call(nvim, "apply", all=True)
    assert nvim.lines() == other
    assert states(nvim) == ["stale"] * 3


def test_an_answer_lands_in_the_buffer_that_was_asked_about(nvim: Editor) -> None:
    asked = code(nvim)
    answer_late(nvim, ANSWER[:1], lambda: nvim.edit("".join(f"{line}\n" for line in CODE), name="twin.py"))
    nvim.lua("require('vivek.proposals').apply(..., {})", asked)
    assert (nvim.lines(), nvim.lines(asked)[3]) == (CODE, "    return a + 1")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_hunks_are_taken_one_by_one_in_any_order(nvim: Editor, order: tuple[int, ...]) -> None:
    code(nvim)
    longer = [
        rows(edit["range"]["start"]["line"], edit["range"]["end"]["line"], "    # why", edit["newText"][:-1])
        for edit in ANSWER
    ]
    propose(nvim, longer)
    for number in order:
        first = nvim.lua("return require('vivek.proposals').hunks(0)[... + 1].first", number)
        nvim.command(str(first))
        call(nvim, "apply")
    expected = [line for old in ANSWERED for line in ((["    # why"] if "return" in old else []) + [old])]
    assert nvim.lines() == expected


# Lost text


def test_a_reject_takes_nothing_away_that_was_typed_meanwhile(nvim: Editor) -> None:
    code(nvim)
    propose(nvim, ANSWER)
    nvim.feed("4GA  # mine<Esc>")
    nvim.feed("7Go    # mine, too<Esc>")
    typed, sequence = nvim.lines(), nvim.undo_sequence()
    call(nvim, "reject", all=True)
    assert (nvim.lines(), nvim.undo_sequence()) == (typed, sequence)


def test_what_was_typed_in_the_very_lines_of_a_hunk_is_in_the_text_after_it_is_applied(nvim: Editor) -> None:
    code(nvim)
    answer_late(nvim, ANSWER[:1], lambda: nvim.feed("4GA  # mine<Esc>"))
    call(nvim, "apply", all=True)
    assert "# mine" in nvim.lines()[3]


def test_a_conflict_is_never_applied_by_itself(nvim: Editor) -> None:
    code(nvim)
    answer_late(nvim, ANSWER[:1], lambda: nvim.feed("4Gccreturn my_own(a)<Esc>"))
    call(nvim, "apply", all=True)
    assert nvim.lines()[3] == "    return my_own(a)"
    assert states(nvim) == ["stale"]


def test_an_answer_is_still_good_for_the_lines_that_the_user_left_alone(nvim: Editor) -> None:
    code(nvim)
    answer_late(nvim, ANSWER, lambda: nvim.feed("4Gccreturn my_own(a)<Esc>"))
    assert states(nvim) == ["stale", "pending", "pending"]
    call(nvim, "apply", all=True)
    assert nvim.lines() == [*CODE[:3], "    return my_own(a)", *ANSWERED[4:]]


def test_a_second_answer_does_not_throw_the_first_one_away(nvim: Editor) -> None:
    code(nvim)
    propose(nvim, ANSWER[:1])
    propose(nvim, ANSWER[1:2], run="r2")
    call(nvim, "apply", all=True)
    assert nvim.lines() == [*ANSWERED[:7], *CODE[7:]]


# Undo, and the disk


@pytest.mark.parametrize("first", [rows(0, 0, "# top"), rows(0, 1, "import sys")])
def test_one_undo_takes_an_answer_back_even_where_it_changes_line_1(nvim: Editor, first: Edit) -> None:
    code(nvim)
    nvim.feed("Go# mine<Esc>")
    before = nvim.lines()
    propose(nvim, [first, *ANSWER])
    call(nvim, "apply", all=True)
    assert nvim.lines() != before
    nvim.feed("u")
    assert nvim.lines() == before
    assert states(nvim) == ["pending"] * 4


def test_showing_and_rejecting_is_nothing_to_undo(nvim: Editor) -> None:
    code(nvim)
    sequence = nvim.undo_sequence()
    propose(nvim, ANSWER)
    call(nvim, "reject", all=True)
    assert (nvim.undo_sequence(), nvim.eval("&modified")) == (sequence, 0)


def test_applying_does_not_write_the_file(nvim: Editor) -> None:
    code(nvim)
    propose(nvim, ANSWER)
    call(nvim, "apply", all=True)
    assert (nvim.home / "code.py").read_text() == "\n".join(CODE) + "\n"
    assert nvim.eval("&modified") == 1


def test_a_rejected_answer_can_be_had_back(nvim: Editor) -> None:
    code(nvim)
    propose(nvim, ANSWER)
    call(nvim, "reject", all=True)
    call(nvim, "restore")
    call(nvim, "apply", all=True)
    assert nvim.lines() == ANSWERED
