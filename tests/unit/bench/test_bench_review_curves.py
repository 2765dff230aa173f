"""Ranks, shares and their intervals, against what they are defined as."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vivek.bench.reviews.curves import Clustered, auc, balanced, estimated, share

scores = st.lists(st.tuples(st.integers(0, 5).map(float), st.booleans()), max_size=30)


@given(scores)
def test_the_area_is_the_share_of_pairs_that_are_in_order(pairs: list[tuple[float, bool]]) -> None:
    bugs = [score for score, bug in pairs if bug]
    others = [score for score, bug in pairs if not bug]
    if not bugs or not others:
        assert auc(pairs) is None
        return
    won = sum((bug > other) + (bug == other) / 2 for bug in bugs for other in others)
    assert auc(pairs) == pytest.approx(won / (len(bugs) * len(others)))


@given(scores)
def test_turned_scores_have_the_rest_of_the_area(pairs: list[tuple[float, bool]]) -> None:
    area = auc(pairs)
    if area is not None:
        assert auc([(-score, bug) for score, bug in pairs]) == pytest.approx(1 - area)


@example(0, 3)
@given(st.integers(0, 50), st.integers(1, 50))
def test_a_share_lies_within_its_interval(count: int, more: int) -> None:
    found = share(count, count + more)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilsons_interval_is_as_in_the_books() -> None:
    found = share(5, 10)
    assert (found.low, found.high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert share(0, 0).value is None


def test_an_alarm_for_everything_is_worth_a_half() -> None:
    assert balanced([(True, True), (True, False), (True, False)]) == 0.5
    assert balanced([(True, True)]) is None


def test_the_bootstrap_draws_twins_together_and_always_the_same() -> None:
    items = [
        Clustered(str(number), (float(number % 3) + bug, bug))
        for number in range(20)
        for bug in (True, False)
    ]
    found = estimated(items, auc)
    assert found == estimated(items, auc)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    alone = [Clustered("one", (1.0, True)), Clustered("one", (0.0, False))]
    assert estimated(alone, auc) == type(found)(1.0, 1.0, 1.0)
