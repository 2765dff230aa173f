"""What an arm's results come to, and how a review's result is told from what it found."""

from __future__ import annotations

from typing import Any

import pytest

from vivek.bench.reviews.figures import figures
from vivek.bench.reviews.result import Judged
from vivek.bench.reviews.rows import Row
from vivek.bench.reviews.trial import judge, place_of
from vivek.review import calibration
from vivek.review.finding import BlockReview, Finding, Review

TEXT = "import os\n\n\ndef f(x):\n    return x / 0\n"
ROW = Row("rows.jsonl", "f", TEXT, bug=True, entry="f")


def found(**more: Any) -> Finding:
    plain = {
        "path": "a.py",
        "line": 5,
        "end_line": 5,
        "severity": "warning",
        "category": "correctness",
        "source": "model",
        "confidence": 0.9,
        "quote": "    return x / 0",
        "message": "It divides by zero.",
    }
    return Finding(**{**plain, **more})


def judged(name: str, *, bug: bool, alarm: bool = False, **more: Any) -> Judged:
    plain = judge(Row("rows.jsonl", name, TEXT, bug=bug, entry=name), "model", TEXT, Review())
    return {**plain, "alarm": alarm, **more}  # type: ignore[typeddict-item]


def test_what_stands_is_an_alarm_and_what_is_folded_or_a_hint_is_none() -> None:
    assert judge(ROW, "model", TEXT, Review(findings=(found(),)))["alarm"]
    assert not judge(ROW, "model", TEXT, Review(folded=(found(),)))["alarm"]
    assert not judge(ROW, "model", TEXT, Review(findings=(found(severity="hint"),)))["alarm"]


def test_the_score_is_the_suspicion_of_the_worst_block_or_else_what_stands() -> None:
    blocks = (BlockReview("f", 4, 5, 0.3, {"lines": 2.0}), BlockReview("f", 4, 5, 0.7, {"lines": 9.0}))
    worst = judge(ROW, "model", TEXT, Review(findings=(found(),), blocks=blocks))
    assert (worst["suspicion"], worst["score"], worst["signals"]) == (0.7, 0.7, {"lines": 9.0})
    bare = judge(ROW, "static", TEXT, Review(findings=(found(confidence=0.9),)))
    assert (bare["suspicion"], bare["score"]) == (None, 0.9)


def test_a_function_of_which_nothing_is_known_ranks_between_the_others() -> None:
    score = judge(ROW, "static", TEXT, Review())["score"]
    passed, failed = (calibration.calibrated({name: 2.0}) for name in ("examples passed", "examples failed"))
    assert passed < score < failed


@pytest.mark.parametrize(
    "wrong", [{"quote": "return x"}, {"line": 4}, {"line": 99, "end_line": 99}, {"line": 4, "end_line": 5}]
)
def test_a_quote_that_is_not_at_its_lines_is_counted(wrong: dict[str, Any]) -> None:
    assert judge(ROW, "model", TEXT, Review(folded=(found(**wrong), found())))["strange"] == 1


def test_a_row_is_about_its_definition_alone() -> None:
    assert place_of(ROW, TEXT) == (4, 5)
    assert place_of(Row("", "", TEXT, bug=True, entry="gone"), TEXT) is None
    method = "class A:\n    def run(self):\n        return 1\n"
    assert place_of(Row("", "", method, bug=True, entry="run"), method) == (2, 3)


def test_the_figures_of_alarms_are_shares_of_bugs_and_of_the_rest() -> None:
    results = [judged(f"b{n}", bug=True, alarm=n < 3, score=n < 3) for n in range(4)]
    results += [judged(f"o{n}", bug=False, alarm=n < 1, score=n < 1) for n in range(10)]
    told = figures("model", results)
    assert (told.rows, told.bugs, told.found.value, told.false_alarms.value) == (14, 4, 0.75, 0.1)
    assert told.balanced.value == pytest.approx(0.825)
    assert told.auc.value == pytest.approx(0.825)


def test_a_signal_adds_what_the_suspicion_loses_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"good": 1.0, "bad": 0.0}

    def calibrated(signals: dict[str, float]) -> float:
        return sum(weights[name] * value for name, value in signals.items())

    monkeypatch.setattr("vivek.bench.reviews.figures.calibrated", calibrated)
    results = [
        judged(f"r{n}{bug}", bug=bug, signals={"good": float(bug), "bad": float(n % 2)}, suspicion=0.5)
        for n in range(8)
        for bug in (True, False)
    ]
    good, bad = figures("model", results).signals
    assert (good.name, good.known, good.auc.value, good.adds.value) == ("good", 16, 1.0, 0.5)
    assert (bad.auc.value, bad.adds.value) == (0.5, 0.0)


def test_the_calibration_sets_what_was_told_beside_what_came_true() -> None:
    results = [judged(f"r{n}", bug=n >= 50, suspicion=n / 100) for n in range(100)]
    told = figures("model", results)
    assert [one.rows for one in told.calibration] == [20] * 5
    assert [one.bugs.value for one in told.calibration] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert told.calibration[0].suspicion == pytest.approx(0.095)
    assert told.brier == pytest.approx(sum((n / 100 - (n >= 50)) ** 2 for n in range(100)) / 100)


@pytest.mark.parametrize("failed", [1.0, 3.0])
def test_a_failing_example_is_nearly_sure_to_be_a_bug(failed: float) -> None:
    assert calibration.calibrated({calibration.EXAMPLES_FAILED: failed}) > 0.9
