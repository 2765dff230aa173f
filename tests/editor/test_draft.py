"""A reply that is still being written, as data: its code, its indentation, and what it changes so far."""

from __future__ import annotations

from textwrap import indent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neovim_child import Editor
from vivek.edits.fit import fit
from vivek.edits.reply import extract

SETTINGS = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = """\
local function area(shape)
  if shape.kind == 'circle' then
    return math.pi * shape.radius ^ 2
  end

  if shape.kind == 'square' then
    return shape.side ^ 2
  end

  local sum = 0
  for _, part in ipairs(shape.parts) do
    sum = sum + area(part)
  end
  return sum
end

local function names(shapes)
  local result = {}
  for _, shape in ipairs(shapes) do
    if shape.name then
      result[#result + 1] = shape.name
    end
  end
  return result
end
"""
SAMPLE = TEXT.splitlines()


def code(nvim: Editor, *pieces: str, end: bool = False) -> tuple[list[str], bool]:
    """The code in a reply that came in these pieces, and whether it is complete. end: no more will come."""
    lua = """
        local pieces, ended = ...
        local partial = require('vivek.partial')
        local state = partial.new()
        for _, piece in ipairs(pieces) do
          partial.feed(state, piece)
        end
        if ended then
          partial.finish(state)
        end
        return { state.lines, partial.is_closed(state) }
    """
    lines, closed = nvim.lua(lua, list(pieces), end)
    return list(lines), closed


def fitted(nvim: Editor, old: str, new: str) -> list[str]:
    """Lines of code at the indentation of the old ones."""
    lua = """
        local old, new = ...
        local indent = require('vivek.indent')
        local state = indent.new(old)
        return vim.tbl_map(function(line) return indent.fitted(state, line) end, new)
    """
    return list(nvim.lua(lua, old.split("\n"), new.split("\n")))


Changes = list[tuple[int, int, list[str]]]


def changes(nvim: Editor, old: list[str], new: list[str], *, closed: bool = False) -> list[Changes]:
    """After each of the new lines: first line, number of lines, and what they become. The last is as `closed` says."""
    lua = """
        local old, new, closed = ...
        local draft = require('vivek.draft')
        local state, result = draft.new(old), {}
        for index, line in ipairs(new) do
          draft.add(state, line)
          result[index] = draft.changes(state, closed and index == #new)
        end
        return result
    """
    return [
        [(change["start"], change["count"], list(change["new"])) for change in so_far]
        for so_far in nvim.lua(lua, old, new, closed)
    ]


# --- the code in a reply ---


@pytest.mark.parametrize(
    ("reply", "lines", "closed"),
    [
        ("```python\na = 1\nb = 2\n```\n", ["a = 1", "b = 2"], True),
        ("```python\na = 1\nb = 2\n```", ["a = 1", "b = 2"], True),
        ("```python\na = 1\nb =", ["a = 1"], False),
        ("```python\na = 1\n``", ["a = 1"], False),
        ("Here it is:\n\n```\na\n```\nIt does this.\n```\nb\n```\n", ["a"], True),
        ("Here it is: ```lua\na\n", ["a"], False),
        ("~~~\na\n```\n~~~\n", ["a", "```"], True),
        ("````md\n```\na\n```\n````\n", ["```", "a", "```"], True),
        ("```md\ntext\n```sh\nls\n```\nmore\n```\n", ["text", "```sh", "ls", "```", "more"], True),
        ("  ```python\n  a\n  ```\n", ["  a"], True),
        ("```python\n    s = '''\n        ```\n    '''\n", ["    s = '''", "        ```", "    '''"], False),
        ("<think>\nSo:\n```python\nno\n```\n</think>\n```python\nyes\n```", ["yes"], True),
        ("<think>hm</think>```python\nyes\n", ["yes"], False),
        ("<think>\nIt could be\n```python\nno\n", [], False),
        ("```html\n<think>\na\n", ["<think>", "a"], False),
        ("```python\r\na\r\n```\r\n", ["a"], True),
        ("It cannot be done.\n", [], False),
        ("def area(r):\n    return 1\n", [], False),
        ("", [], False),
    ],
)
def test_the_code_is_what_stands_in_the_first_fence(
    nvim: Editor, reply: str, lines: list[str], closed: bool
) -> None:
    assert code(nvim, reply) == (lines, closed)


@pytest.mark.parametrize(
    ("reply", "lines", "closed"),
    [
        ("```python\na\nb", ["a", "b"], False),
        ("```python\na\n``", ["a"], False),
        ("```python\na\nb```", ["a", "b"], True),
        ("```python\na\n```", ["a"], True),
    ],
)
def test_the_end_of_a_reply_ends_its_last_line(
    nvim: Editor, reply: str, lines: list[str], closed: bool
) -> None:
    assert code(nvim, reply, end=True) == (lines, closed)


PIECES = st.sampled_from(
    [
        "```",
        "```py",
        "`",
        "~~~",
        "\n",
        "\n",
        "\r\n",
        " ",
        "    ",
        "a",
        "b = 1",
        ":",
        "<think>",
        "</think>",
        "漢",
    ]
)


@SETTINGS
@given(pieces=st.lists(PIECES, max_size=30), ended=st.booleans())
def test_it_makes_no_difference_where_a_reply_is_cut(nvim: Editor, pieces: list[str], ended: bool) -> None:
    reply = "".join(pieces)
    whole = code(nvim, reply, end=ended)
    assert code(nvim, *pieces, end=ended) == whole
    assert code(nvim, *reply, end=ended) == whole


@SETTINGS
@given(
    prose=st.lists(st.sampled_from(["", "So:", "It is `x`.", "1. a"]), max_size=3),
    lines=st.lists(st.sampled_from(["a = 1", "    b", "", "# `c`", "'''", "x"]), min_size=1, max_size=8),
    marks=st.sampled_from(["```", "````", "~~~"]),
    after=st.sampled_from(["", "\n", "\nThat is all.\n"]),
)
def test_of_one_block_it_takes_what_the_python_side_takes(
    nvim: Editor, prose: list[str], lines: list[str], marks: str, after: str
) -> None:
    reply = "\n".join([*prose, f"{marks}lua", *lines, marks]) + after
    assert code(nvim, reply) == (lines, True)
    assert extract(reply, "lua").code == "".join(f"{line}\n" for line in lines)


# --- its indentation ---


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    a = 1\n    b = 2", "a = 1\nb = 3", "    a = 1\n    b = 3"),
        ("    def f():\n        x", "def f():\n    y", "    def f():\n        y"),
        ("    def f():\n        x", "def f():\n        y", "    def f():\n        y"),
        ("    a\n    b", "a\n    c", "    a\n    c"),
        ("    a\n    b", "if a:\n    c", "    if a:\n        c"),
        ("a\nb", "    a\n    c", "a\nc"),
        ("a\nb", "    a\n  c\nd", "a\nc\nd"),
        ("    a\n    b", "  a:\n    b\nc", "    a:\n      b\n  c"),
        ("\tif x {\n\t\ty\n\t}", "if x {\n    z\n}", "\tif x {\n\t\tz\n\t}"),
        ("\tif x {\n\t\ty\n\t}", "if x {\n  z {\n    w\n", "\tif x {\n\t\tz {\n\t\t\tw\n"),
        ("if x {\n  y\n}", "if x {\n\tz\n}", "if x {\n  z\n}"),
        ("    a", "\n\na\n\n  b", "\n\n    a\n\n      b"),
    ],
)
def test_code_gets_the_indentation_of_the_lines_it_replaces(
    nvim: Editor, old: str, new: str, expected: str
) -> None:
    assert fitted(nvim, old, new) == expected.split("\n")


BODIES = st.sampled_from(
    [
        "def f(a):\n    b = a\n    return b",
        "if a:\n    b()\nelse:\n    c()",
        "a = 1\nb = 2\n\nc = 3",
        "for a in b:\n    if a:\n        c(a)\n    d()",
    ]
)


@SETTINGS
@given(
    body=BODIES,
    levels=st.integers(0, 2),
    given_at=st.sampled_from(["", "    "]),
    tabs=st.booleans(),
)
def test_it_guesses_what_the_python_side_finds_out(
    nvim: Editor, body: str, levels: int, given_at: str, tabs: bool
) -> None:
    old = indent(body, "    " * levels)
    old = old.replace("    ", "\t") if tabs else old
    new = indent(body.replace("b", "bb"), given_at)
    for written in (new, old.lstrip(" \t")):
        assert fitted(nvim, old, written) == fit(written, old).removesuffix("\n").split("\n")


@pytest.mark.parametrize(
    ("above", "below", "new", "expected"),
    [
        ("    a", "    b", "x\n  y", "    x\n      y"),
        ("    a", "b", "x", "x"),
        ("def f():", "    b", "x", "    x"),
        ("class A:", "", "def f(self):\n    pass", "  def f(self):\n      pass"),
        ("    a", "    b", "    x", "    x"),
        ("    a", "", "x", "x"),
        ("", "", "x", "x"),
        ("\tif x {", "\t}", "y", "\t  y"),
    ],
)
def test_new_code_gets_the_indentation_of_its_neighbours(
    nvim: Editor, above: str, below: str, new: str, expected: str
) -> None:
    lua = """
        local above, below, new = ...
        local indent = require('vivek.indent')
        local state = indent.between(above, below, '  ')
        return vim.tbl_map(function(line) return indent.fitted(state, line) end, new)
    """
    assert list(nvim.lua(lua, above, below, new.split("\n"))) == expected.split("\n")


# --- what it changes so far ---


def test_lines_that_are_not_reached_are_left_alone(nvim: Editor) -> None:
    assert changes(nvim, SAMPLE, SAMPLE) == [[] for _ in SAMPLE]


def test_a_line_in_the_place_of_a_similar_one_replaces_it_at_once(nvim: Editor) -> None:
    new = [*SAMPLE[:6], "    return shape.side * shape.side"]
    assert changes(nvim, SAMPLE, new)[-1] == [(6, 1, new[6:])]


def test_a_line_like_no_other_is_new_until_more_is_known(nvim: Editor) -> None:
    so_far = changes(nvim, SAMPLE, [*SAMPLE[:9], "  print('parts')", "  local sum = 1", SAMPLE[10]])
    assert so_far[-3:] == [
        [(9, 0, ["  print('parts')"])],
        [(9, 1, ["  print('parts')", "  local sum = 1"])],
        [(9, 1, ["  print('parts')", "  local sum = 1"])],
    ]


def test_what_was_left_out_is_seen_at_the_next_line_that_is_there_once(nvim: Editor) -> None:
    assert changes(nvim, SAMPLE, [*SAMPLE[:5], SAMPLE[10]])[-1] == [(5, 5, [])]


def test_an_end_is_not_taken_for_one_far_below(nvim: Editor) -> None:
    new = [*SAMPLE[:3], "    -- round", "  end", "", "end"]
    for so_far in changes(nvim, SAMPLE, new):
        assert [count for _, count, _ in so_far if count > 0] == []


def test_when_all_is_written_what_is_missing_is_deleted(nvim: Editor) -> None:
    assert changes(nvim, SAMPLE, SAMPLE[:15], closed=True)[-1] == [(15, 10, [])]


def test_blank_lines_around_the_code_do_not_count(nvim: Editor) -> None:
    assert changes(nvim, ["a", "b"], ["", "", "a", "b", "", ""], closed=True)[-1] == []


def test_no_code_changes_nothing(nvim: Editor) -> None:
    assert changes(nvim, ["a", "b"], ["", " "], closed=True)[-1] == []


def edited(kind: str, line: int) -> list[str]:
    """The sample with one change."""
    before, after = SAMPLE[:line], SAMPLE[line + 1 :]
    if kind == "insert":
        return [*before, "  print(shape, 'is measured')", "  count = count + 1", *SAMPLE[line:]]
    if kind == "delete":
        return [*before, *after]
    return [*before, SAMPLE[line] + " -- a note", *after]


@pytest.mark.parametrize("kind", ["edit", "insert", "delete"])
def test_nothing_is_shown_as_deleted_that_stays_in_the_end(nvim: Editor, kind: str) -> None:
    for line, text in enumerate(SAMPLE):
        if not text or (kind == "edit" and text.strip() == "end"):
            continue
        *written, final = changes(nvim, SAMPLE, [*edited(kind, line), ""], closed=True)
        gone = {row for start, count, _ in final for row in range(start, start + count)}
        if kind == "delete" and text.strip() == "end":
            # Which of several it was cannot be told.
            gone.update(row for row, other in enumerate(SAMPLE) if other.strip() == "end")
        for so_far in written:
            assert {row for start, count, _ in so_far for row in range(start, start + count)} <= gone, text


WORDS = st.sampled_from(["a", "b", "c", "    end", "", "return total(a, b)", "return total(a, c)", "x = {}"])


@SETTINGS
@given(old=st.lists(WORDS, max_size=12), new=st.lists(WORDS, min_size=1, max_size=12), closed=st.booleans())
def test_the_changes_make_the_new_lines_of_the_old_ones(
    nvim: Editor, old: list[str], new: list[str], closed: bool
) -> None:
    so_far = changes(nvim, old, new, closed=closed)[-1]
    result: list[str] = []
    at = 0
    for start, count, lines in so_far:
        result += old[at:start] + lines
        at = start + count
    wanted = "\n".join(new).strip("\n").split("\n")
    if not "".join(wanted):
        assert so_far == []
    elif not "".join(old).strip():
        assert so_far == [(0, len(old), wanted)]
    elif closed:
        assert result + old[at:] == wanted
    else:
        rest = len(wanted) - len(result)
        assert result == wanted[: len(result)]
        assert old[at : at + rest] == wanted[len(result) :]


def test_a_long_rewrite_is_followed_line_by_line(nvim: Editor) -> None:
    old = [f"value_{number} = compute({number})" for number in range(300)]
    new = [line.replace("compute", "count") if number % 7 == 0 else line for number, line in enumerate(old)]
    *_, last = changes(nvim, old, new)
    assert last == [(row, 1, [new[row]]) for row in range(0, 300, 7)]
