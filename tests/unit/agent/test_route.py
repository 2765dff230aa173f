"""The route that an instruction's words choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.route import choose_route, wants_new_code, wants_words

CODE = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    "instruction",
    [
        "explain this",
        "Explain what this function does",
        "please could you explain this code?",
        "what does this do?",
        "Why is the loop reversed",
        "how does the cache work?",
        "is this thread safe?",
        "describe the algorithm",
        "Summarise this class",
        "walk me through it",
        "this looks odd?",
        "tell me about the arguments",
        "when is this called",
        "where it is used?",
    ],
)
def test_a_question_is_answered_in_words(instruction: str) -> None:
    assert choose_route(instruction, CODE, bounded=True) == "answer"


@pytest.mark.parametrize(
    "instruction",
    [
        "add a docstring",
        "can you add type hints?",
        "Could you rename x to y",
        "make it async",
        "fix the bug",
        "explain it in a docstring",
        "add comments that explain each step",
        "would you please simplify this?",
        "I would like to have this sorted",
        "use a dict instead",
        "how about a generator instead?",
        "isolate the parsing",
        "when the list is empty, return None",
        "when I call it twice it forgets the first call",
        "where a key is missing, raise KeyError",
    ],
)
def test_a_request_for_a_change_rewrites(instruction: str) -> None:
    assert choose_route(instruction, CODE, bounded=True) == "rewrite"


@pytest.mark.parametrize(
    "instruction", ["write a function that parses dates", "add a test for f", "Create a new class Point"]
)
def test_new_code_without_a_selection_is_inserted(instruction: str) -> None:
    assert choose_route(instruction, CODE, bounded=False) == "insert"


def test_new_code_asked_for_on_a_selection_stays_within_it() -> None:
    assert choose_route("add a helper function", CODE, bounded=True) == "rewrite"


def test_a_change_to_what_is_there_is_not_new_code() -> None:
    assert not wants_new_code("add a docstring to the function")
    assert not wants_new_code("add type hints")


@pytest.mark.parametrize("blank", ["", "\n", "   \n\t\n"])
def test_on_a_blank_target_code_is_inserted(blank: str) -> None:
    assert choose_route("fizzbuzz in Python", blank, bounded=True) == "insert"


@given(st.text())
def test_any_instruction_has_a_route(instruction: str) -> None:
    assert choose_route(instruction, CODE, bounded=True) in ("rewrite", "insert", "answer")
    assert isinstance(wants_words(instruction), bool)
