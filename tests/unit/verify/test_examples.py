"""What counts as an example of a block, and what is prose."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.verify.examples import Example, examples_of


def found(text: str, first: int = 1, last: int = 10_000, language: str = "python") -> list[tuple[str, str]]:
    return [(one.expression, one.expected.rstrip("\n")) for one in every(text, first, last, language)]


def every(text: str, first: int = 1, last: int = 10_000, language: str = "python") -> list[Example]:
    return examples_of(text, first, last, language)


def with_docstring(said: str) -> str:
    body = textwrap.indent(textwrap.dedent(said), "    ")
    return f'def add(a, b):\n    """Add.\n\n{body}\n    """\n    return a + b\n'


@pytest.mark.parametrize(
    "line",
    [
        "add(1, 2) == 3",
        "add(1, 2) => 3",
        "add(1, 2) -> 3",
        "add(1, 2) --> 3",
        "add(1, 2) ➞ 3",
        "add(1, 2) → 3",
        "add(1, 2)  # => 3",
        "add(1, 2)\n=> 3",
        "add(1, 2)\n    # => 3",
        "add(1, 2) returns 3",
        "add(1, 2) returns 3.",
        "add(1, 2) should return 3",
        "add(1, 2) == 3  # of course",
        "add(1, 2) == 3,",
        "- add(1, 2) == 3",
        "1. add(1, 2) == 3",
        "Example: add(1, 2) == 3",
        "For example: add(1, 2) == 3",
        "e.g. add(1, 2) -> 3",
        "assert add(1, 2) == 3",
        "`add(1, 2)` returns `3`.",
        "``add(1, 2) == 3``",
        ">>> add(1, 2)\n3",
    ],
)
def test_a_call_with_its_value_is_an_example_in_every_usual_style(line: str) -> None:
    assert found(with_docstring(line)) == [("add(1, 2)", "3")]


@pytest.mark.parametrize(
    "line",
    [
        "add(a, b) -> int",
        "add(1, 2) -> int",
        "add(1, 2) -> int | None",
        "add(1, 2) -> list[int]",
        "add(a, b) == a + b",
        "add(n) == add(n - 1)",
        "add(1, 2) returns the sum",
        "add(1, 2) returns None if it fails",
        "add(1, 2) is 3",
        "If add(1, 2) == 3 then all is well",
        "add(1, 2) == 3 == 3",
        "add(1, 2) == three",
        "add(1, 2) -> ...",
        "add(1, 2 == 3",
        "subtract(1, 2) == -1",
        "add(1, 2)",
        "add == 3",
        "1 + 2 == 3",
        ">>> add(1, 2)",
        ">>> add(1,\n3",
        ">>> add(x, 2)\n3",
        ">>> add(1, 2)  # doctest: +SKIP\n3",
    ],
)
def test_what_does_not_stand_by_itself_is_prose(line: str) -> None:
    assert found(with_docstring(line)) == []


def test_values_may_be_calls_and_nested_literals() -> None:
    text = with_docstring("add([1], [-2.5]) -> [1, -2.5]\nadd(set(), {1}) -> {1}\nadd('a->b', '') -> 'a->b'")
    assert found(text) == [
        ("add([1], [-2.5])", "[1, -2.5]"),
        ("add(set(), {1})", "{1}"),
        ("add('a->b', '')", "'a->b'"),
    ]


def test_several_on_a_line_are_several_examples() -> None:
    assert found(with_docstring("add(1, 2) == 3, add(2, 2) == 4")) == [("add(1, 2)", "3"), ("add(2, 2)", "4")]


def test_what_is_done_with_a_calls_result_belongs_to_the_call() -> None:
    text = with_docstring("add('a', 'b').upper() == 'AB'\nadd([1], [2])[1] -> 2")
    assert found(text) == [("add('a', 'b').upper()", "'AB'"), ("add([1], [2])[1]", "2")]


def test_a_docstring_is_one_session_in_its_order() -> None:
    text = with_docstring(
        ">>> x = 1\n>>> add(x, 2)\n3\n\n>>> add(x, 'a')\nTraceback (most recent call last):\nTypeError: no"
    )
    examples = every(text)
    assert [(one.expression, one.session) for one in examples] == [
        ("x = 1", 0),
        ("add(x, 2)", 0),
        ("add(x, 'a')", 0),
    ]
    assert [one.raises for one in examples] == ["", "", "TypeError: no"]


def test_a_session_ends_where_it_stops_being_python() -> None:
    assert found(with_docstring(">>> add(1, 2)\n3\n>>> add(1,\n4\n>>> add(2, 2)\n4")) == [("add(1, 2)", "3")]


def test_an_escape_that_the_author_did_not_double_is_read_as_it_was_meant() -> None:
    text = 'def f(s):\n    """F.\n    >>> f("a\\nb")\n    \'b\\na\'\n    """\n'
    assert found(text) == [('f("a\\nb")', "'b\\na'")]


def test_comments_above_and_in_a_function_have_examples_too() -> None:
    text = (
        "# add(1, 2) == 3\ndef add(a, b):\n    # >>> add(2, 2)\n    # 4\n    return a + b  # add(3, 3) == 6\n"
    )
    assert found(text) == [("add(1, 2)", "3"), ("add(2, 2)", "4")]


def test_a_comment_above_a_method_counts_once() -> None:
    text = "class A:\n    # A().one() == 1\n    def one(self):\n        return 1\n"
    assert found(text) == [("A().one()", "1")]


TWO = '''"""Sums.

>>> add(1, 2)
3
>>> double(4)
8
"""

def add(a, b):
    """add(1, 1) == 2"""
    return a + b

def double(a):
    """double(2) == 4"""
    return 2 * a

class Counter:
    """Counts.

    >>> c = Counter()
    >>> c.up()
    1
    """

    def up(self):
        """Up.

        >>> Counter().up()
        1
        """
        return 1

    def down(self):
        return -1
'''


def test_only_the_blocks_own_examples_count() -> None:
    assert found(TWO, 9, 11) == [("add(1, 1)", "2"), ("add(1, 2)", "3"), ("double(4)", "8")]
    assert found(TWO, 15, 15)[0] == ("double(2)", "4")


def test_a_method_has_the_examples_of_its_class_that_name_it() -> None:
    up = TWO.split("\n").index("        return 1") + 1
    assert found(TWO, up, up) == [("c = Counter()", ""), ("c.up()", "1"), ("Counter().up()", "1")]
    assert found(TWO, up + 3, up + 3) == []


def test_a_string_of_the_module_counts_where_it_uses_the_block() -> None:
    text = 'def f(a):\n    return a\n\n"""\n>>> f(1)\n1\n"""\n\n"""\n>>> g(1)\n1\n"""\n\ndef g(a):\n    return a\n'
    assert found(text, 1, 2) == [("f(1)", "1")]


def test_names_of_a_star_import_are_taken_to_be_there() -> None:
    text = "from math import *\n" + with_docstring("add(floor(1.5), 2) == 3")
    assert found(text) == [("add(floor(1.5), 2)", "3")]


@pytest.mark.parametrize(
    ("text", "language"), [("def f(:\n", "python"), ("\0", "python"), ("f(1) == 2", "lua")]
)
def test_what_is_no_python_has_no_examples(text: str, language: str) -> None:
    assert found(text, language=language) == []


@given(
    st.text(alphabet=st.sampled_from("ab(),[]'\"`=->#. \n\\1>") | st.characters(codec="utf-8"), max_size=80)
)
def test_any_docstring_can_be_looked_through(said: str) -> None:
    text = f"def a(b):\n    {said!r}\n"
    for example in every(text):
        compile(example.expression, "<example>", "exec")


@given(st.text(alphabet="abcdef():=\n \"'#>1", max_size=120), st.integers(-3, 12), st.integers(-3, 12))
def test_any_text_and_any_lines_can_be_looked_through(text: str, first: int, last: int) -> None:
    every(text, first, last)


@given(
    st.recursive(
        st.integers() | st.text(max_size=8) | st.booleans() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    )
)
def test_any_literal_comes_back_as_it_was_written(value: object) -> None:
    line = f"add({value!r}, 0) == {value!r}"
    assert found(f"def add(a, b):\n    {line!r}\n") == [(f"add({value!r}, 0)", repr(value))]
