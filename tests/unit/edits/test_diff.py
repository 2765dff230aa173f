"""Text edits: they rebuild the new text exactly, are minimal hunks, and count columns as LSP does."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vivek.edits.diff import TextEdit, apply, text_edits, unified, utf16_length
from vivek.edits.matching import runs

# Few distinct lines, so that they repeat and match in many ways, with every troublesome character among them.
PIECES = [
    "",
    "a",
    "b",
    "  }",
    "\ta",
    "a\r",
    "\r",
    "x\ry",
    "é",
    "e\u0301",
    "漢字",
    "😀",
    "\udc80",
    "\0",
    "\u2028",
    "\x0c",
]
LINES = st.lists(st.sampled_from(PIECES), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))
ANY_TEXT = TEXTS | st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=30)


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> TextEdit:
    return {
        "range": {
            "start": {"line": start[0], "character": start[1]},
            "end": {"line": end[0], "character": end[1]},
        },
        "newText": text,
    }


def starts_and_ends(edits: list[TextEdit]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [
        (
            (e["range"]["start"]["line"], e["range"]["start"]["character"]),
            (e["range"]["end"]["line"], e["range"]["end"]["character"]),
        )
        for e in edits
    ]


@given(ANY_TEXT, ANY_TEXT)
@example("", "")
@example("a", "a\n")
@example("a\n", "a")
@example("a\nb", "a")
@example("a\nx\na\nb", "a\na")
@example("", "\n")
@example("\n", "")
@example("a", "")
def test_applying_the_edits_gives_the_new_text(old: str, new: str) -> None:
    assert apply(old, text_edits(old, new)) == new


@given(ANY_TEXT)
def test_the_same_text_needs_no_edit(text: str) -> None:
    assert text_edits(text, text) == []


@given(TEXTS, TEXTS)
def test_hunks_are_in_order_and_an_unchanged_line_lies_between(old: str, new: str) -> None:
    for (_, end), (start, _) in pairwise(starts_and_ends(text_edits(old, new))):
        assert end[0] + (end[1] > 0) < start[0] + (start[1] > 0)


@given(TEXTS, TEXTS)
def test_edits_replace_whole_lines_but_at_a_last_line_without_newline(old: str, new: str) -> None:
    last = old.rsplit("\n", maxsplit=1)[-1]
    bare_end = (old.count("\n"), utf16_length(last))
    for start, end in starts_and_ends(text_edits(old, new)):
        assert end[1] == 0 or end == bare_end
        assert start[1] == 0 or (start == end == bare_end)


@given(TEXTS, TEXTS, st.data())
def test_any_choice_of_the_hunks_can_be_applied(old: str, new: str, data: st.DataObject) -> None:
    edits = text_edits(old, new)
    chosen = [e for e in edits if data.draw(st.booleans())]
    changed = apply(old, chosen)
    if not chosen:
        assert changed == old
    rest = text_edits(changed, new)
    assert apply(changed, rest) == new


@given(LINES, LINES)
def test_the_difference_is_the_smallest_there_is(old: list[str], new: list[str]) -> None:
    assert sum(run.size for run in runs(old, new)) == longest_common_subsequence(old, new)


@given(LINES, LINES)
def test_runs_hold_equal_lines_and_rise(old: list[str], new: list[str]) -> None:
    found = runs(old, new)
    for run in found:
        assert old[run.old : run.old + run.size] == new[run.new : run.new + run.size]
    for one, other in pairwise(found):
        assert one.old + one.size <= other.old
        assert one.new + one.size <= other.new


def longest_common_subsequence(old: list[str], new: list[str]) -> int:
    row = [0] * (len(new) + 1)
    for a in old:
        above = row
        row = [0]
        for j, b in enumerate(new):
            row.append(above[j] + 1 if a == b else max(above[j + 1], row[j]))
    return row[-1]


def test_a_changed_line_is_one_edit_of_that_line() -> None:
    assert text_edits("a\nb\nc\n", "a\nB\nc\n") == [edit((1, 0), (2, 0), "B\n")]


def test_two_changes_with_one_line_between_are_two_hunks() -> None:
    assert text_edits("a\nb\nc\n", "A\nb\nC\n") == [edit((0, 0), (1, 0), "A\n"), edit((2, 0), (3, 0), "C\n")]


def test_an_append_to_a_last_line_without_newline_begins_with_one() -> None:
    assert text_edits("a😀", "a😀\nb") == [edit((0, 3), (0, 3), "\nb")]


def test_a_changed_last_line_without_newline_ends_at_its_length() -> None:
    assert text_edits("a\n😀b", "a\nc") == [edit((1, 0), (1, 3), "c")]


def test_removing_the_last_line_takes_the_line_before_along_where_no_newline_ends_the_text() -> None:
    assert text_edits("a\nb\nc", "a\nb") == [edit((1, 0), (2, 1), "b")]


def test_a_final_newline_alone_is_an_edit_of_the_last_line() -> None:
    assert text_edits("a\nb", "a\nb\n") == [edit((1, 0), (1, 1), "b\n")]
    assert text_edits("a\nb\n", "a\nb") == [edit((1, 0), (2, 0), "b")]


def test_the_first_line_of_an_empty_text_is_an_insertion() -> None:
    assert text_edits("", "x\n") == [edit((0, 0), (0, 0), "x\n")]


def test_an_added_function_is_shown_from_its_first_line() -> None:
    old = "def a():\n    return 1\n\n\ndef c():\n    return 1\n"
    new = "def a():\n    return 1\n\n\ndef b():\n    return 1\n\n\ndef c():\n    return 1\n"
    assert text_edits(old, new) == [edit((4, 0), (4, 0), "def b():\n    return 1\n\n\n")]


def test_an_added_block_in_braces_is_shown_from_its_header() -> None:
    old = "function a() {\n  go();\n}\n\nfunction c() {\n}\n"
    new = "function a() {\n  go();\n}\n\nfunction b() {\n  go();\n}\n\nfunction c() {\n}\n"
    assert [e["newText"] for e in text_edits(old, new)] == ["function b() {\n  go();\n}\n\n"]


def test_a_removed_function_is_shown_from_its_first_line() -> None:
    old = "def a():\n    return 1\n\n\ndef b():\n    return 1\n\n\ndef c():\n    return 1\n"
    new = "def a():\n    return 1\n\n\ndef c():\n    return 1\n"
    assert text_edits(old, new) == [edit((4, 0), (8, 0), "")]


def test_carriage_returns_are_content() -> None:
    assert text_edits("a\r\nb\rc\n", "a\r\nb\rd\n") == [edit((1, 0), (2, 0), "b\rd\n")]
    assert len(text_edits("a\r\n", "a\n")) == 1


def test_a_small_change_in_twenty_thousand_lines_takes_under_100_ms() -> None:
    lines = [f"line {n % 700}" for n in range(20_000)]
    changed = [*lines]
    changed[100] = "one"
    changed[19_900:19_902] = ["two"]
    old, new = "\n".join(lines) + "\n", "\n".join(changed) + "\n"
    best = min(timed(old, new) for _ in range(3))
    assert best < 0.1
    assert len(text_edits(old, new)) == 2


def test_two_long_texts_with_nothing_in_common_take_under_two_seconds() -> None:
    shuffled = random.Random(1)
    old = "\n".join(shuffled.choice("abcdefgh") for _ in range(6_000))
    new = "\n".join(shuffled.choice("abcdefgh") for _ in range(6_000))
    assert timed(old, new) < 2
    assert apply(old, text_edits(old, new)) == new


def test_a_long_text_with_many_moved_lines_still_finds_what_is_common() -> None:
    shuffled = random.Random(2)
    old_lines = [f"line {n}" for n in range(4_000)]
    new_lines = [line if shuffled.random() < 0.7 else f"other {line}" for line in old_lines]
    old, new = "\n".join(old_lines), "\n".join(new_lines)
    kept = sum(run.size for run in runs(old_lines, new_lines))
    assert kept == sum(a == b for a, b in zip(old_lines, new_lines, strict=True))
    assert apply(old, text_edits(old, new)) == new


def timed(old: str, new: str) -> float:
    start = time.process_time()
    text_edits(old, new)
    return time.process_time() - start


class TestApply:
    def test_columns_are_utf16_units(self) -> None:
        assert apply("a😀b", [edit((0, 3), (0, 4), "c")]) == "a😀c"

    def test_a_column_inside_a_pair_is_the_start_of_its_character(self) -> None:
        assert apply("😀", [edit((0, 1), (0, 1), "x")]) == "x😀"

    def test_positions_past_the_end_mean_the_end(self) -> None:
        assert apply("ab\nc", [edit((0, 99), (0, 99), "!"), edit((7, 0), (9, 3), "?")]) == "ab!\nc?"

    def test_edits_may_come_in_any_order(self) -> None:
        assert apply("abc", [edit((0, 2), (0, 3), "C"), edit((0, 0), (0, 1), "A")]) == "AbC"

    def test_insertions_at_one_place_keep_their_order(self) -> None:
        assert apply("x", [edit((0, 0), (0, 0), "1"), edit((0, 0), (0, 0), "2")]) == "12x"

    def test_overlapping_edits_are_refused(self) -> None:
        with pytest.raises(ValueError, match="overlap"):
            apply("abc", [edit((0, 0), (0, 2), ""), edit((0, 1), (0, 3), "")])

    def test_an_edit_that_ends_before_it_starts_is_refused(self) -> None:
        with pytest.raises(ValueError, match="overlap"):
            apply("abc", [edit((0, 2), (0, 1), "")])

    def test_lone_surrogates_and_combining_characters_are_one_unit_each(self) -> None:
        assert apply("\udc80e\u0301x", [edit((0, 3), (0, 4), "y")]) == "\udc80e\u0301y"


class TestUnified:
    def test_no_change_is_no_diff(self) -> None:
        assert unified("a\n", "a\n", "f.py") == ""

    def test_it_names_the_path_and_shows_three_lines_of_context(self) -> None:
        old = "".join(f"{n}\n" for n in range(1, 10))
        assert unified(old, old.replace("5\n", "five\n"), "src/f.py") == (
            "--- a/src/f.py\n+++ b/src/f.py\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        )

    def test_a_missing_final_newline_is_told(self) -> None:
        assert unified("a\nb", "a\nb\n", "f").endswith(" a\n-b\n\\ No newline at end of file\n+b\n")

    def test_far_changes_are_two_sections(self) -> None:
        old = "".join(f"{n}\n" for n in range(30))
        new = old.replace("\n2\n", "\ntwo\n").replace("\n25\n", "\n")
        assert unified(old, new, "f").count("@@ -") == 2

    @given(TEXTS, TEXTS)
    def test_patching_the_old_text_gives_the_new_one(self, old: str, new: str) -> None:
        assert patched(old, unified(old, new, "f")) == new


def patched(old: str, diff: str) -> str:
    """A plain reading of the unified format."""
    lines = [line + "\n" for line in old.split("\n")]
    lines[-1] = lines[-1][:-1]
    result: list[str] = []
    at = 0
    mark = ""
    for row in diff.split("\n")[2:-1]:
        if row.startswith("@@"):
            first, _, count = row.split()[1][1:].partition(",")
            start = int(first) - (count != "0")
            result += lines[at:start]
            at = start
        elif row.startswith("\\"):
            if mark != "-":
                result[-1] = result[-1][:-1]
        else:
            mark = row[0]
            at += mark in " -"
            result += [row[1:] + "\n"] if mark in " +" else []
    return "".join(result + lines[at:])
