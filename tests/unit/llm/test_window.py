from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama import QWEN2
from vivek.errors import ContextWindowExceededError
from vivek.llm import window
from vivek.llm.window import BUCKETS, Shape

SEVEN_B = Shape(4_700_000_000, 57_344, 32_768)
"""Qwen2.5-Coder 7B, Q4_K_M."""

SHAPES = st.builds(
    Shape,
    weights=st.integers(0, 10**11),
    kv_per_token=st.integers(0, 10**6),
    trained=st.sampled_from([0, 512, 2048, 4096, 6000, 32_768, 131_072]),
    slots=st.integers(1, 4),
)


@pytest.mark.parametrize(
    ("gigabytes", "expected"), [(4, 4096), (5.6, 8192), (6.2, 16384), (7, 32768), (64, 32768)]
)
def test_the_largest_bucket_that_fits_is_chosen(gigabytes: float, expected: int) -> None:
    assert window.largest(SEVEN_B, int(gigabytes * 1e9)) == expected


def test_no_window_is_larger_than_what_the_model_was_made_for() -> None:
    assert window.largest(Shape(1, 1, trained=16_384), 10**12) == 16_384
    assert window.largest(Shape(1, 1, trained=6000), 10**12) == 4096
    assert window.largest(Shape(1, 1, trained=2048), 10**12) == 2048


def test_each_slot_has_a_window_of_its_own() -> None:
    two = Shape(SEVEN_B.weights, SEVEN_B.kv_per_token, SEVEN_B.trained, slots=2)
    assert two.need(8192).kv_cache == 2 * SEVEN_B.need(8192).kv_cache
    assert window.largest(two, int(7e9)) < window.largest(SEVEN_B, int(7e9))


def test_where_nothing_fits_the_smallest_is_tried() -> None:
    assert window.largest(SEVEN_B, 1_000_000) == 4096


def test_where_memory_is_not_known_the_bucket_in_which_all_fits_is_taken() -> None:
    assert window.largest(SEVEN_B, None) == 8192
    assert window.largest(Shape(1, 1, trained=2048), None) == 2048


def test_metadata_gives_the_shape() -> None:
    assert Shape.of(QWEN2, 5, 2) == Shape(5, 24 * 2 * (64 + 64) * 2, 32_768, 2)
    assert Shape.of({}, 5) == Shape(5, 0)


@given(SHAPES, st.integers(0, 10**12))
def test_what_is_chosen_is_a_bucket_that_fits(shape: Shape, free: int) -> None:
    chosen = window.largest(shape, free)
    assert chosen in BUCKETS or chosen == shape.trained
    if chosen > shape.buckets[0]:
        assert shape.need(chosen).total <= free


@given(SHAPES, st.integers(1, 40_000), st.integers(0, 10**12))
def test_a_raised_window_holds_the_tokens_or_the_reason_is_given(
    shape: Shape, tokens: int, free: int
) -> None:
    fitting = [bucket for bucket in shape.buckets if shape.need(bucket).total <= free]
    if max(fitting, default=0) < tokens:
        with pytest.raises(ContextWindowExceededError, match="cannot be raised"):
            window.raised(shape, tokens, free)
    else:
        assert window.raised(shape, tokens, free) == min(wide for wide in fitting if wide >= tokens)


def test_a_window_is_raised_no_further_than_needed() -> None:
    assert window.raised(SEVEN_B, 5000, 10**12) == 8192


def test_why_a_window_cannot_be_raised_is_told_with_the_numbers() -> None:
    with pytest.raises(
        ContextWindowExceededError, match="beyond 8192 tokens: the model was made for no more"
    ):
        window.raised(Shape(1, 1, trained=8192), 9000, 10**12)
    with pytest.raises(ContextWindowExceededError, match="beyond 32768 tokens: the model is given no more"):
        window.raised(Shape(1, 1, trained=131_072), 40_000, 10**12)
    with pytest.raises(ContextWindowExceededError, match=r"to 8192 tokens: that needs 5\.4 GB.*5\.0 GB"):
        window.raised(SEVEN_B, 5000, 5 * 10**9)
