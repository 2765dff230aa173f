"""Coefficients from kept results: what the regression finds, and that it is judged by what it has not seen."""

from __future__ import annotations

import math
import random

import pytest

from vivek.bench.reviews.curves import auc
from vivek.bench.reviews.fitting import FALSE_ALARMS, LEAST, cross_validated, fit, logistic
from vivek.bench.reviews.result import Judged
from vivek.bench.reviews.rows import Row
from vivek.bench.reviews.trial import judge
from vivek.review import calibration
from vivek.review.calibration import Coefficients, calibrated, features, suspicion
from vivek.review.finding import Review

KNOWN = Coefficients(0.2, {"doubt": 1.0, "static": 2.0, "failed": 4.0, "passed": -1.0}, 1.0, 2.0, 0.8)


def results(count: int = 120, *, told: float = 1.0, examples: bool = False) -> list[Judged]:
    """Twins, of which the one with a bug has a higher doubt by so many spreads on the average."""
    dice, found = random.Random(5), []
    for number in range(count):
        for bug in (False, True):
            judged = judge(
                Row("rows", f"f{number}-{bug}", "x", bug=bug, entry=f"f{number}"), "model", "x", Review()
            )
            judged["signals"] = {"doubt": math.expm1(4 + dice.gauss(told * bug, 1.0)), "lines": 9.0}
            if examples:
                failed = bug and number % 2
                judged["signals"] |= {"examples failed": float(failed), "examples passed": 2.0 - failed}
            found.append(judged)
    return found


def test_the_regression_finds_the_weights_that_made_the_labels() -> None:
    dice = random.Random(1)
    rows = [[1.0, dice.gauss(0, 1), dice.gauss(0, 1)] for _ in range(4000)]
    labels = [dice.random() < 1 / (1 + math.exp(-(0.5 + 2 * one - two))) for _, one, two in rows]
    weights = logistic(rows, labels)
    assert weights == pytest.approx([0.5, 2.0, -1.0], abs=0.2)


def test_a_column_that_parts_the_labels_wholly_gets_a_finite_weight() -> None:
    rows = [[1.0, float(number > 5)] for number in range(10)]
    _, weight = logistic(rows, [number > 5 for number in range(10)])
    assert 0.5 < weight < 10


def test_a_column_of_nothing_gets_no_weight() -> None:
    assert logistic([[1.0, 0.0]] * 6, [True, False] * 3) == pytest.approx([0.0, 0.0])


def test_doubt_that_tells_nothing_has_no_area_where_it_was_not_fitted() -> None:
    told, untold = results(told=1.5), results(told=0.0)
    for each, low, high in ((told, 0.78, 0.95), (untold, 0.3, 0.6)):
        area = auc([(value, one["bug"]) for value, one in zip(cross_validated(each), each, strict=True)])
        assert area is not None
        assert low < area < high


def test_few_right_functions_reach_the_threshold() -> None:
    every = [*results(), *results(examples=True)]
    found = fit(every)
    right = [
        value
        for value, one in zip(found.suspicions, every, strict=True)
        if not one["bug"] and "examples passed" not in one["signals"]
    ]
    reached = sum(value >= found.coefficients.shown_from for value in right)
    assert reached <= FALSE_ALARMS * len(right)
    assert LEAST <= found.coefficients.shown_from < 1
    assert found.coefficients.weights["failed"] > 2
    assert found.coefficients.weights["passed"] < 0


def test_what_is_missing_adds_nothing() -> None:
    assert suspicion({}, KNOWN) == pytest.approx(1 / (1 + math.exp(-0.2)))
    assert (
        suspicion({"doubt": math.expm1(1.0)}, KNOWN)
        == suspicion({"lines": 50.0}, KNOWN)
        == suspicion({}, KNOWN)
    )


def test_more_doubt_is_more_suspicion_and_passed_examples_are_less() -> None:
    assert suspicion({"doubt": 9.0}, KNOWN) > suspicion({"doubt": 1.0}, KNOWN)
    assert suspicion({"examples passed": 2.0}, KNOWN) < suspicion({}, KNOWN)
    assert suspicion({"static": 2.0}, KNOWN) > suspicion({}, KNOWN)


def test_one_failing_example_outweighs_those_that_passed() -> None:
    assert features({"examples passed": 3.0, "examples failed": 1.0}) == {"failed": 1.0}
    assert calibrated({"examples passed": 3.0, "examples failed": 1.0}) > 0.9


def test_the_shipped_coefficients_say_what_they_were_made_with() -> None:
    content = calibration.content()
    assert "vivek bench --kind review" in content["made_by"]
    assert content["functions"] >= 60
    assert 0.5 < calibration.SHOWN_FROM < 1
    assert all(0 <= calibrated({"doubt": doubt}) <= 1 for doubt in (0.0, 1.0, 1e6))
