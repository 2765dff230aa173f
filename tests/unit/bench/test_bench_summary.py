"""An arm's figures, worked out by hand, and a model's row in the report."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tiny_tasks import result, results
from vivek.bench.recording import RecordedCall
from vivek.bench.records import Records
from vivek.bench.report import markdown
from vivek.bench.run import outcome
from vivek.bench.summary import summary
from vivek.bench.table import show
from vivek.errors import RequestError


def call(**more: Any) -> RecordedCall:
    plain: RecordedCall = {
        "messages": [],
        "sampling": {},
        "reply": "",
        "ending": "stop",
        "prompt_tokens": 100,
        "cached_tokens": 90,
        "shared_tokens": 20,
        "generated_tokens": 50,
        "first_token_ms": 500.0,
        "total_ms": 5500.0,
    }
    return {**plain, **more}  # type: ignore[typeddict-item]


def test_the_figures_of_an_arm() -> None:
    found = summary(
        "vivek",
        [
            result("a", "vivek", "pass", calls=[call(), call(shared_tokens=100)], seconds=12.0, peak_bytes=5),
            result("b", "vivek", "timeout", calls=[call(first_token_ms=900.0, ending="length")], seconds=6.0),
            result("c", "vivek", "fail", error="ContextWindowExceededError", well_formed=False, seconds=0.0),
            result("d", "vivek", "skipped"),
        ],
    )
    assert (found.tasks, found.skipped, found.solved, found.well_formed) == (3, 1, 1, 2)
    assert (found.overflows, found.timeouts, found.cut, found.largest) == (1, 1, 1, 150)
    assert (found.calls, found.prompt, found.generated) == (1.0, 100.0, 50.0)
    assert found.cached == pytest.approx(140 / 3)
    assert found.computed == pytest.approx((300 - 140 + 150) / 3)
    assert found.per_solved == 300 - 140 + 150
    assert found.first_token_ms == 900.0
    assert found.tokens_per_second == pytest.approx(150 / 14.6)
    assert (found.seconds, found.peak_bytes) == (6.0, 5)


def test_nothing_at_all_has_figures_too() -> None:
    found = summary("raw", [result("a", "raw", "skipped")])
    assert (found.tasks, found.solved, found.per_solved, found.tokens_per_second) == (0, 0, None, 0.0)


def test_skips_and_missing_isolation_are_told() -> None:
    found = outcome(
        [
            result("a", "raw", "pass", isolated=False),
            result("b", "raw", "skipped"),
            *results("vivek", [True, False]),
        ]
    )
    out = StringIO()
    show(found.summaries, found.comparisons, Console(file=out, width=100))
    assert "raw: 1 tasks were skipped" in out.getvalue()
    assert "raw: candidates ran without isolation" in out.getvalue()
    assert "vivek: " not in out.getvalue()


def records(raw: list[bool], vivek: list[bool], **more: Any) -> Records:
    every = [*results("raw", raw), *results("vivek", vivek)]
    every[-1] = result(f"t{len(vivek) - 1}", "vivek", every[-1]["status"], **more)
    return Records(Path("kept"), {"model": "tiny", "quantization": "Q4_K_M"}, every)


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        (records([True, False], [False, True]), "yes"),
        (records([True, False], [False, False]), "no: solves less than alone"),
        (records([True], [True], well_formed=False), "no: under 95% well-formed"),
        (records([True], [True], error="ContextWindowExceededError"), "no: overflows"),
        (records([True], [True], calls=[call(ending="length")]), "no: runs into the cap"),
    ],
)
def test_what_makes_a_model_reliable(kept: Records, verdict: str) -> None:
    row = markdown([kept]).splitlines()[2]
    assert row.startswith("| tiny Q4_K_M | ")
    assert row.endswith(f" | {verdict} |")


def test_a_report_needs_both_arms() -> None:
    kept = Records(Path("kept"), {"model": "tiny", "quantization": ""}, results("raw", [True]))
    with pytest.raises(RequestError, match="lacks an arm"):
        markdown([kept])
