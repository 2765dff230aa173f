from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivek.context.packer import Packed, Part, pack
from vivek.errors import ContextWindowExceededError


def words(text: str) -> int:
    """A counter for tests: a token a word."""
    return len(text.split())


def lines(*numbers: int) -> str:
    return "".join(f"line {number}\n" for number in numbers)


def texts(packed: Packed) -> dict[str, str]:
    return {part.name: part.text for part in packed.parts}


def test_what_fits_is_kept_whole_in_the_order_given() -> None:
    packed = pack([Part("b", "two words", 2), Part("a", "one", 1)], 3, words)
    assert [part.text for part in packed.parts] == ["two words", "one"]
    assert packed.kept == [("b", 2), ("a", 1)]
    assert (packed.cut, packed.dropped, packed.used) == ([], [], 3)


def test_the_more_important_part_gets_the_room() -> None:
    packed = pack([Part("late", "a b c", 5), Part("early", "d e f", 1)], 4, words)
    assert texts(packed) == {"early": "d e f"}
    assert packed.dropped == [("late", 3)]


def test_a_less_important_part_takes_the_room_that_a_large_one_leaves() -> None:
    packed = pack([Part("large", "a b c d e", 1), Part("small", "f", 2)], 2, words)
    assert texts(packed) == {"small": "f"}


def test_among_equals_the_first_comes_first() -> None:
    packed = pack([Part("first", "a b", 1), Part("second", "c d", 1)], 3, words)
    assert texts(packed) == {"first": "a b"}


def test_head_keeps_the_first_lines() -> None:
    packed = pack([Part("a", lines(1, 2, 3, 4), 1, shrink="head")], 5, words)
    assert texts(packed) == {"a": lines(1, 2)}
    assert packed.cut == [("a", 4)]
    assert packed.used == 4


def test_tail_keeps_the_last_lines() -> None:
    packed = pack([Part("a", lines(1, 2, 3, 4), 1, shrink="tail")], 5, words)
    assert texts(packed) == {"a": lines(3, 4)}


@pytest.mark.parametrize(
    ("focus", "kept"), [(0, (2, 3)), (1, (1, 2)), (3, (2, 3)), (5, (4, 5)), (99, (4, 5))]
)
def test_around_keeps_the_lines_nearest_to_the_focus(focus: int, kept: tuple[int, ...]) -> None:
    packed = pack([Part("a", lines(1, 2, 3, 4, 5), 1, shrink="around", focus=focus)], 5, words)
    assert texts(packed) == {"a": lines(*kept)}


def test_a_part_of_which_no_line_fits_is_dropped() -> None:
    packed = pack([Part("a", lines(1, 2), 1, shrink="head")], 1, words)
    assert packed.parts == []
    assert packed.dropped == [("a", 4)]


def test_blank_lines_alone_are_not_worth_keeping() -> None:
    packed = pack([Part("a", "\n\n\nsome words here\n", 1, shrink="head")], 2, words)
    assert packed.dropped == [("a", 3)]


def test_only_newlines_end_a_line() -> None:
    packed = pack([Part("a", "a\rb\x0cc\u2028d\ne f\n", 1, shrink="head")], 5, words)
    assert texts(packed) == {"a": "a\rb\x0cc\u2028d\n"}


def test_required_parts_come_before_important_ones() -> None:
    packed = pack([Part("a", "x y", 1), Part("must", "p q r", 9, required=True)], 4, words)
    assert texts(packed) == {"must": "p q r"}


def test_required_parts_that_do_not_fit_are_refused_with_the_numbers() -> None:
    with pytest.raises(
        ContextWindowExceededError, match=r"needs 5 tokens for block, task alone.* room for 4"
    ) as error:
        pack([Part("block", "a b c", 1, required=True), Part("task", "d e", 1, required=True)], 4, words)
    assert "Select fewer lines" in error.value.hint


def test_a_long_text_is_counted_as_a_whole_only_once() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return words(text)

    text = lines(*range(20_000))
    packed = pack([Part("a", text, 1, shrink="head")], 100, count)
    assert texts(packed) == {"a": lines(*range(50))}
    assert sum(counted) < 1.1 * len(text)


SHRINKS = st.sampled_from(["drop", "head", "tail", "around"])
PARTS = st.lists(
    st.builds(
        Part,
        name=st.sampled_from("abcdef"),
        text=st.text(alphabet="x \n\r\té\U0001f600", max_size=40),
        priority=st.integers(0, 3),
        required=st.booleans(),
        shrink=SHRINKS,
        focus=st.integers(0, 12),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(parts=PARTS, budget=st.integers(0, 60))
def test_the_sum_never_exceeds_the_budget_and_required_parts_are_never_cut(
    parts: list[Part], budget: int
) -> None:
    required = [part for part in parts if part.required]
    if sum(len(part.text) for part in required) > budget:
        with pytest.raises(ContextWindowExceededError):
            pack(parts, budget, len)
        return
    packed = pack(parts, budget, len)
    assert packed.used == sum(len(part.text) for part in packed.parts) <= budget
    assert [part for part in packed.parts if part.required] == required


@settings(deadline=None)
@given(parts=PARTS, budget=st.integers(0, 60))
def test_every_part_is_accounted_for_once_and_what_is_left_is_whole_lines_of_it(
    parts: list[Part], budget: int
) -> None:
    optional = [
        Part(part.name, part.text, part.priority, shrink=part.shrink, focus=part.focus) for part in parts
    ]
    packed = pack(optional, budget, len)
    told = [name for name, _ in packed.kept + packed.cut + packed.dropped]
    assert sorted(told) == sorted(part.name for part in optional)
    assert len(packed.parts) == len(packed.kept) + len(packed.cut)
    assert sum(tokens for _, tokens in packed.kept) <= packed.used
    for part in packed.parts:
        wholes = [f"\n{one.text}\n" for one in optional if one.name == part.name]
        assert any(f"\n{part.text}".removesuffix("\n") + "\n" in whole for whole in wholes)


@settings(deadline=None)
@given(parts=PARTS)
def test_with_room_enough_nothing_is_left_out(parts: list[Part]) -> None:
    packed = pack(parts, 1000, len)
    assert packed.parts == parts
    assert packed.cut == packed.dropped == []
