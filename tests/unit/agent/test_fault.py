"""Which instructions report a fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.fault import wants_repair


@pytest.mark.parametrize(
    "instruction",
    [
        "fix the bug",
        "there is an off-by-one in the loop",
        "the result is wrong for an empty list",
        "mean crashes on []",
        "it should return None here",
        "the header is missing in the output",
        "sort loses equal elements",
        "join doesn't escape quotes",
        "render(tree) says 'None' instead of an empty string",
        "the last line gets lost",
        "rows are too short",
        "the second call still returns the old value",
        "my callback isn't called",
        "reading an empty file hangs",
        "`copy` sometimes shares the list with the original",
    ],
)
def test_what_names_a_fault_or_tells_of_one_is_a_report(instruction: str) -> None:
    assert wants_repair(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "add a docstring",
        "use a set instead of a list",
        "return an iterator rather than a list",
        "don't print anything",
        "skip lines that are too long",
        "ignore what raises an error",
        "make sure it does not write to the disk",
        "could you rename what isn't clear",
        "cache what is still used",
        "why does it skip the first line?",
        "names must not be longer than ten characters",
        "write the helper that isn't there yet",
    ],
)
def test_an_order_a_question_and_a_wish_are_none(instruction: str) -> None:
    assert not wants_repair(instruction)


@given(st.text(max_size=300))
def test_any_words_are_taken(instruction: str) -> None:
    assert wants_repair(instruction) in (True, False)
