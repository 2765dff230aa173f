"""Hunks as data, in a real Neovim: from text edits to whole lines, against a plain Python model of text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neovim_child import Editor

SETTINGS = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# A byte that is no UTF-8, a NUL, a lone carriage return, wide, astral and combining characters.
CHARACTERS = st.sampled_from(
    ["a", "b", " ", "\t", "\n", "\n", "\r", "\0", "é", "漢", "😀", "e\u0301", "\udcff"]
)
TEXTS = st.lists(CHARACTERS, max_size=24).map("".join)
LINES = TEXTS.map(lambda text: text.replace("\n", ""))

Edit = dict[str, Any]


def units(text: str) -> int:
    """Length in UTF-16 units; a surrogate escape is one."""
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def position(text: str, offset: int) -> dict[str, int]:
    before = text[:offset]
    return {"line": before.count("\n"), "character": units(before[before.rfind("\n") + 1 :])}


def text_edit(text: str, start: int, end: int, new: str) -> Edit:
    return {"range": {"start": position(text, start), "end": position(text, end)}, "newText": new}


def lines_of(text: str) -> tuple[list[str], bool]:
    """A text as Neovim holds it: lines, and whether the last one ends in a newline."""
    if text == "":
        return [""], False
    eol = text.endswith("\n")
    return (text[:-1] if eol else text).split("\n"), eol


def text_of(lines: list[str], eol: bool) -> str:
    return "\n".join(lines) + ("\n" if eol else "") if lines not in ([], [""]) else ""


def applied(nvim: Editor, text: str, edits: list[Edit]) -> tuple[str, list[dict[str, Any]]]:
    """The text after all hunks, by the same functions that the proposal uses."""
    lines, eol = lines_of(text)
    code = """
        local lines, eol, edits = ...
        local hunks = require('vivek.hunks')
        local all = hunks.from_edits(lines, eol, edits)
        local changes = vim.tbl_map(function(hunk)
          eol = hunk.eol == nil and eol or hunk.eol == true
          return hunks.change(hunk, hunk.start)
        end, all)
        return { hunks.replaced(lines, changes), eol, all }
    """
    new_lines, new_eol, hunks = nvim.lua(code, lines, eol, edits)
    return text_of(list(new_lines), new_eol), list(hunks)


@st.composite
def edited_texts(draw: st.DrawFn) -> tuple[str, list[Edit], str]:
    """A text, edits of it in order, and the text after them."""
    text = draw(TEXTS.filter(lambda text: text != "\n"))
    ends = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edits, result, done = [], "", 0
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        new = draw(TEXTS)
        edits.append(text_edit(text, start, end, new))
        result += text[done:start] + new
        done = end
    return text, edits, result + text[done:]


@SETTINGS
@given(case=edited_texts())
def test_hunks_make_of_a_text_what_the_edits_make_of_it(
    nvim: Editor, case: tuple[str, list[Edit], str]
) -> None:
    text, edits, expected = case
    result, _ = applied(nvim, text, edits)
    # Neovim does not tell a text of one newline from the empty text.
    assert result == ("" if expected == "\n" else expected)


@SETTINGS
@given(case=edited_texts())
def test_hunks_lie_in_order_and_apart(nvim: Editor, case: tuple[str, list[Edit], str]) -> None:
    text, edits, _ = case
    _, hunks = applied(nvim, text, edits)
    end = -1
    for hunk in hunks:
        assert hunk["start"] >= end
        assert hunk["old"] == lines_of(text)[0][hunk["start"] : hunk["start"] + len(hunk["old"])]
        end = hunk["start"] + len(hunk["old"])


def whole_lines(first: int, last: int, new: str) -> Edit:
    return {
        "range": {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}},
        "newText": new,
    }


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("a\nb\n", whole_lines(1, 2, "B\n"), (1, ["b"], ["B"], None)),
        ("a\nb\n", whole_lines(0, 0, "x\n"), (0, [], ["x"], None)),
        ("a\nb\n", whole_lines(2, 2, "x\n"), (2, [], ["x"], None)),
        ("a\nb", text_edit("a\nb", 3, 3, "\nx"), (2, [], ["x"], None)),
        ("a\nb", text_edit("a\nb", 2, 3, "B"), (1, ["b"], ["B"], None)),
        ("a\nb", text_edit("a\nb", 3, 3, "\n"), (2, [], [], True)),
        ("a\nb\n", whole_lines(1, 2, "b"), (2, [], [], False)),
        ("", whole_lines(0, 0, "x\ny\n"), (0, [""], ["x", "y"], True)),
        ("", whole_lines(0, 0, "x"), (0, [""], ["x"], None)),
        ("a\nb\n", whole_lines(0, 2, ""), (0, ["a", "b"], [], None)),
        ("a\nb\nc\n", whole_lines(0, 3, "a\nB\nc\n"), (1, ["b"], ["B"], None)),
    ],
)
def test_an_edit_becomes_the_smallest_whole_line_hunk(
    nvim: Editor, text: str, edit: Edit, expected: tuple[int, list[str], list[str], bool | None]
) -> None:
    _, hunks = applied(nvim, text, [edit])
    assert len(hunks) == 1
    hunk = hunks[0]
    assert (hunk["start"], hunk["old"], hunk["new"], hunk.get("eol")) == expected


@pytest.mark.parametrize("text", ["", "a\n", "a\nb"])
def test_an_edit_that_changes_nothing_makes_no_hunk(nvim: Editor, text: str) -> None:
    assert applied(nvim, text, [text_edit(text, 0, len(text), text)])[1] == []


def test_edits_of_the_same_line_become_one_hunk(nvim: Editor) -> None:
    text = "one two three\n"
    result, hunks = applied(nvim, text, [text_edit(text, 0, 3, "1"), text_edit(text, 8, 13, "3")])
    assert result == "1 two 3\n"
    assert len(hunks) == 1


def locate(nvim: Editor, base: list[str], start: int, count: int, current: list[str]) -> tuple[int, bool]:
    code = """
        local base, start, count, current = ...
        local old = vim.list_slice(base, start + 1, start + count)
        local hunk = { id = 1, start = start, old = old, new = { 'proposed' } }
        local place = require('vivek.rebase').locate(base, { hunk }, {}, current).places[1]
        return { place.row, place.state == 'stale' }
    """
    row, stale = nvim.lua(code, base, start, count, current)
    return row, stale


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("a b c d", (1, False)),
        ("x a b c d", (2, False)),
        ("a x b c d", (2, False)),
        ("b c d", (0, False)),
        ("a b c x d", (1, False)),
        ("a b c", (1, False)),
        ("a b x c d", (1, True)),
        ("a b d", (1, True)),
        ("a B c d", (1, True)),
        ("A B c d", (0, True)),
        ("x", (0, True)),
    ],
)
def test_a_hunk_follows_its_lines_and_is_stale_where_they_changed(
    nvim: Editor, current: str, expected: tuple[int, bool]
) -> None:
    assert locate(nvim, ["a", "b", "c", "d"], 1, 2, current.split()) == expected


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("a b", (1, False)),
        ("x a b", (2, False)),
        ("a x b", (2, False)),
        ("A b", (1, False)),
        ("a B", (1, False)),
        ("a", (1, False)),
        ("A B", (0, True)),
    ],
)
def test_an_insertion_needs_only_one_of_its_neighbours(
    nvim: Editor, current: str, expected: tuple[int, bool]
) -> None:
    assert locate(nvim, ["a", "b"], 1, 0, current.split()) == expected


@pytest.mark.parametrize(
    ("base", "hunk", "current", "row"),
    [
        (["", "a", "z"], (0, 2), ["", "", "a", "z"], 1),
        (["a", "", "z"], (0, 2), ["a", "", "", "z"], 0),
        (["x", "x", "y"], (1, 1), ["x", "y"], 0),
        (["x", "x", "y"], (0, 1), ["x", "y"], 0),
    ],
)
def test_a_repeated_line_beside_a_hunk_does_not_make_it_stale(
    nvim: Editor, base: list[str], hunk: tuple[int, int], current: list[str], row: int
) -> None:
    assert locate(nvim, base, *hunk, current) == (row, False)


def test_two_hunks_never_claim_the_same_line(nvim: Editor) -> None:
    code = """
        local base, current = { 'a', '', 'a' }, { 'a' }
        local hunks = {
          { id = 1, start = 0, old = { 'a' }, new = { 'A' } },
          { id = 2, start = 2, old = { 'a' }, new = { 'B' } },
        }
        local places = require('vivek.rebase').locate(base, hunks, {}, current).places
        return { places[1].state, places[2].state }
    """
    assert sorted(nvim.lua(code)) == ["pending", "stale"]


@pytest.mark.parametrize(
    ("change", "inclusive", "expected"),
    [
        ((0, 1, 3), True, (4, 6)),
        ((2, 0, 2), True, (2, 6)),
        ((2, 0, 2), False, (4, 6)),
        ((4, 0, 2), True, (2, 6)),
        ((4, 0, 2), False, (2, 4)),
        ((3, 1, 0), True, (2, 3)),
        ((1, 2, 5), True, (1, 7)),
        ((3, 3, 1), True, (2, 4)),
        ((5, 1, 9), True, (2, 4)),
    ],
)
def test_a_range_is_carried_over_a_change(
    nvim: Editor, change: tuple[int, int, int], inclusive: bool, expected: tuple[int, int]
) -> None:
    code = """
        local start, count, added, inclusive = ...
        local changes = { { start = start, count = count, added = added } }
        return { require('vivek.hunks').mapped(2, 4, changes, inclusive) }
    """
    assert tuple(nvim.lua(code, *change, inclusive)) == expected


@SETTINGS
@given(old=LINES, new=LINES)
def test_common_ends_are_cut_at_characters_and_do_not_overlap(nvim: Editor, old: str, new: str) -> None:
    prefix, suffix = nvim.lua("return { require('vivek.text').common_ends(...) }", old, new)
    first, second = (text.encode("utf-8", "surrogateescape") for text in (old, new))
    assert prefix + suffix <= min(len(first), len(second))
    assert first[:prefix] == second[:prefix]
    assert first[len(first) - suffix :] == second[len(second) - suffix :]
    for whole in (first, second):
        # Each part decodes by itself just as the whole does: no character is cut.
        parts = (whole[:prefix], whole[prefix : len(whole) - suffix], whole[len(whole) - suffix :])
        decoded = "".join(part.decode("utf-8", "surrogateescape") for part in parts)
        assert decoded == whole.decode("utf-8", "surrogateescape")


@SETTINGS
@given(line=LINES)
def test_utf16_columns_lead_to_the_same_character_as_in_python(nvim: Editor, line: str) -> None:
    code = """
        local line, columns = ...
        local byte_of_utf16 = require('vivek.text').byte_of_utf16
        return vim.tbl_map(function(column) return byte_of_utf16(line, column) end, columns)
    """
    starts = [line[:offset] for offset in range(len(line) + 1)]
    found = nvim.lua(code, line, [units(start) for start in starts])
    assert list(found) == [len(start.encode("utf-8", "surrogateescape")) for start in starts]


@pytest.mark.parametrize(
    ("old", "new", "removed", "added"),
    [
        ("return a + b", "return a - b", ["+"], ["-"]),
        ("def f(x):", "def f(x: int):", [], [": int"]),
        ("naïve = 1", "naïf = 1", ["naïve"], ["naïf"]),
        ("alpha", "omega", [], []),
        ("same", "same", [], []),
    ],
)
def test_changed_words_are_marked_where_lines_are_alike(
    nvim: Editor, old: str, new: str, removed: list[str], added: list[str]
) -> None:
    spans = nvim.lua("return { require('vivek.text').changed_words(...) }", old, new)

    def words(line: str, found: list[dict[str, int]]) -> list[str]:
        data = line.encode()
        return [data[span["first"] : span["last"]].decode() for span in found]

    assert (words(old, spans[0]), words(new, spans[1])) == (removed, added)


@pytest.mark.parametrize(("count", "aligned"), [(3, True), (30, False)])
def test_long_lines_are_paired_by_likeness_only_where_they_are_few(
    nvim: Editor, count: int, aligned: bool
) -> None:
    old = [f"line {number} " + "of many words " * 60 for number in range(count)]
    new = ["another one", *(line + "and more" for line in old)]
    regions = nvim.lua("return require('vivek.text').aligned(...)", old, new)
    pairs = {"start": 0, "count": count, "to": 1, "added": count}
    assert (pairs in regions) is aligned
