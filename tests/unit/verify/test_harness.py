"""When two values count as the same, and what is told of an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.verify.harness import LONGEST, _short, same

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
)


@given(_VALUES)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


@given(st.lists(st.integers(), max_size=4), st.lists(st.integers(), max_size=4))
def test_lists_of_whole_numbers_are_the_same_where_they_are_equal(one: list[int], other: list[int]) -> None:
    assert same(one, other) == (one == other)


@pytest.mark.parametrize(
    ("got", "expected", "is_same"),
    [
        (0.1 + 0.2, 0.3, True),
        ([0.1 + 0.2], [0.3], True),
        ({"a": (0.1 + 0.2,)}, {"a": (0.3,)}, True),
        (0.3001, 0.3, False),
        (float("nan"), float("nan"), True),
        (float("inf"), 1.0, False),
        (float("inf"), float("inf"), True),
        (float("inf"), float("-inf"), False),
        (1.0, "1.0", False),
        (1e-12, 0.0, True),
        ((1, 2), [1, 2], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
        ({1, 2}, {2, 1}, True),
    ],
)
def test_numbers_may_differ_by_rounding_alone(got: Any, expected: Any, is_same: bool) -> None:
    assert same(got, expected) is is_same


def test_values_without_a_truth_are_compared_as_they_are_written() -> None:
    class Array:
        def __eq__(self, other: object) -> Any:
            return self

        def __bool__(self) -> bool:
            raise ValueError("no truth")

        def __hash__(self) -> int:
            return 0

        def __repr__(self) -> str:
            return "array"

    assert same(Array(), Array())


@given(st.text())
def test_what_is_told_is_short_and_has_no_addresses(text: str) -> None:
    assert len(_short(text)) <= LONGEST
    assert _short(f"<f at 0x7f12ab>{text[:20]}").startswith("<f>")
