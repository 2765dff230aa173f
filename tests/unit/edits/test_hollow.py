"""Which functions lose their body for a model to write it anew, and that nothing else is touched."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.hollow import MOST_LINES, hollow

DESCRIBED = '''def mean(values):
    """The arithmetic mean of some numbers, 0 where there are none."""
    total = sum(values)
    return total / len(values)
'''
OTHER = DESCRIBED.replace("mean", "median").replace("arithmetic ", "middle or ")


def emptied(code: str, instruction: str = "fix it") -> str | None:
    return hollow(code, "python", instruction)


def test_the_body_goes_and_the_docstring_stays() -> None:
    assert emptied(DESCRIBED) == (
        'def mean(values):\n    """The arithmetic mean of some numbers, 0 where there are none."""\n    ...\n'
    )


def test_a_comment_above_is_a_description() -> None:
    code = "# The arithmetic mean of some numbers, 0 where there are none.\ndef mean(values):\n    return 1\n"
    assert emptied(code) == code.replace("return 1", "...")


def test_a_string_below_the_only_function_is_a_description() -> None:
    code = 'def mean(values):\n    return 1\n\n"""\nThe arithmetic mean of some numbers, 0 where there are none.\n"""\n'
    assert emptied(code) == code.replace("return 1", "...")


def test_comments_that_begin_the_body_go_with_it() -> None:
    code = DESCRIBED.replace("    total", "    # Sum them up.\n    total")
    assert "Sum" not in (emptied(code) or "Sum")


@pytest.mark.parametrize(
    "code",
    [
        DESCRIBED.replace("The arithmetic mean of some numbers, 0 where there are none.", "The mean."),
        "def mean(values):\n    return sum(values) / len(values)\n",
        "def mean(self, values):\n" + DESCRIBED.split("\n", 1)[1],
        "class Numbers:\n" + "".join(f"    {line}\n" for line in DESCRIBED.splitlines()),
        DESCRIBED.replace("    total", "    total = 0\n" * MOST_LINES + "    total"),
        "# The arithmetic mean of some numbers, 0 where there are none.\ndef mean(values): return 1\n",
        DESCRIBED.replace("sum(", "sum(("),
        DESCRIBED + "\n\n" + OTHER,
    ],
    ids=["few words", "no words", "method", "class", "long", "one line", "does not parse", "two functions"],
)
def test_what_says_too_little_or_is_not_sure_stays_whole(code: str) -> None:
    assert emptied(code) is None


def test_other_languages_stay_whole() -> None:
    assert hollow(DESCRIBED, "lua", "fix it") is None


def test_the_instruction_tells_which_of_two_is_meant() -> None:
    code = DESCRIBED + "\n\n" + OTHER
    assert emptied(code, "fix median") == DESCRIBED + "\n\n" + (emptied(OTHER) or "")
    assert emptied(code, "fix mean and median") is None


def test_a_function_that_is_not_described_does_not_stand_in_the_way() -> None:
    helper = "def helper(x):\n    return x\n\n\n"
    assert emptied(helper + DESCRIBED) == helper + (emptied(DESCRIBED) or "")


STATEMENT = st.sampled_from(
    [
        "x = 1",
        "if values:\n    x = 2",
        "for v in values:\n    print(v)",
        "return {\n    1: 2,\n}",
        "# a comment\nx = 3",
    ]
)


@given(
    st.lists(STATEMENT, min_size=1, max_size=6),
    st.text("abc \n", max_size=20).map(lambda text: f"# {text!r}\n"),
)
def test_what_is_left_parses_and_all_around_the_body_is_as_it_was(body: list[str], around: str) -> None:
    head = 'def f(values):\n    """Some words that say what it is about, for once."""\n'
    inner = "".join(f"    {line}\n" for statement in body for line in statement.split("\n"))
    assert (
        emptied(around + "y = 1\n" + head + inner + around)
        == around + "y = 1\n" + head + "    ...\n" + around
    )
    ast.parse(head + "    ...\n")
