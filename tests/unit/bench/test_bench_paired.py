"""Two arms beside each other: values worked out by hand, and what holds for any."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_tasks import result, results
from vivek.bench.paired import compare, interval, mcnemar

OUTCOMES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 * 1/2
        (5, 0, 2 / 32),
        (6, 1, 2 * (1 + 7) / 128),
        (9, 1, 2 * (1 + 10) / 1024),
        (3, 3, 1.0),
    ],
)
def test_mcnemar_is_the_two_sided_binomial_tail(wins: int, losses: int, p: float) -> None:
    assert mcnemar(wins, losses) == pytest.approx(p)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_a_probability_and_does_not_care_which_arm_is_which(wins: int, losses: int) -> None:
    assert 0 < mcnemar(wins, losses) <= 1
    assert mcnemar(wins, losses) == mcnemar(losses, wins)


@given(st.lists(OUTCOMES, min_size=1, max_size=8))
def test_the_interval_is_the_same_each_time_and_within_what_can_be(
    clusters: list[list[tuple[bool, bool]]],
) -> None:
    low, high = interval(clusters, samples=200)
    assert (low, high) == interval(clusters, samples=200)
    assert -1 <= low <= high <= 1


def test_where_all_tasks_agree_the_interval_is_a_point() -> None:
    assert interval([[(False, True)]] * 7) == (1.0, 1.0)
    assert interval([[(True, True)]] * 7) == (0.0, 0.0)


def test_the_interval_is_about_that_of_the_binomial() -> None:
    low, high = interval([[(False, number < 50)] for number in range(100)])
    spread = 1.96 * math.sqrt(0.25 / 100)
    assert low == pytest.approx(0.5 - spread, abs=0.02)
    assert high == pytest.approx(0.5 + spread, abs=0.02)


def test_a_tasks_wordings_are_one_cluster() -> None:
    """Ten wordings of one task and one of another: the interval spans both tasks' outcomes, for it is two draws."""
    base = [result(f"a#{n}", "raw", "fail") for n in range(10)] + [result("b", "raw", "fail")]
    arm = [result(f"a#{n}", "vivek", "pass") for n in range(10)] + [result("b", "vivek", "fail")]
    found = compare(base, arm)
    assert found is not None
    assert (found.pairs, found.tasks, found.wins, found.losses) == (11, 2, 10, 0)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.difference == pytest.approx(10 / 11)


def test_only_what_both_could_run_is_compared() -> None:
    base = [*results("raw", [True, False, False]), result("x", "raw", "pass")]
    arm = [*results("vivek", [False, True, True]), result("x", "vivek", "skipped")]
    found = compare(base, arm)
    assert found is not None
    assert (found.arm, found.base, found.pairs, found.wins, found.losses) == ("vivek", "raw", 3, 2, 1)
    assert compare(base[:1], arm[1:]) is None
