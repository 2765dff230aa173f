"""`vivek bench` on the smallest real model: not whether it solves anything, but that all of it is measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llama import kill_servers
from models import SMOLLM2, extra
from tiny_tasks import AREA, TWICE, write_tasks
from vivek.bench.run import Plan, outcome, run
from vivek.bench.task import load
from vivek.bench.trial import Options
from vivek.cancel import CancelToken
from vivek.config import Settings

pytestmark = pytest.mark.real_model

ARMS = ("raw", "vivek")


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's own folder; the one that a developer's editor uses is left alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    kill_servers()


def test_a_run_on_a_real_model_measures_every_call_and_is_not_made_twice(tmp_path: Path) -> None:
    weights = extra(SMOLLM2)
    file = load(write_tasks(tmp_path / "tiny.jsonl", AREA, TWICE))
    plan = Plan([file], file.tasks, ARMS)
    options = Options(Settings("embedded", str(weights), window=2048), reply_cap=60)
    told: list[str] = []

    def once() -> None:
        records = run(
            plan,
            options,
            tmp_path / "kept",
            lambda _done, _total, result: told.append(result["arm"]) if result else None,
            CancelToken(),
        )
        results = records.results
        assert [each["arm"] for each in results] == ["raw", "raw", "vivek", "vivek"]
        for each in results:
            assert each["status"] in ("pass", "fail", "syntax", "timeout")
            assert each["peak_bytes"] is not None
            assert each["peak_bytes"] > weights.stat().st_size / 2
            for call in each["calls"]:
                assert 0 < call["generated_tokens"] <= 60
                assert 0 <= call["shared_tokens"] <= (call["cached_tokens"] or 0) < call["prompt_tokens"]
                assert 0 < call["first_token_ms"] <= call["total_ms"]
        found = outcome(results)
        assert [each.tasks for each in found.summaries] == [2, 2]
        assert all(each.tokens_per_second > 0 for each in found.summaries)

    once()
    assert told == ["raw", "raw", "vivek", "vivek"]
    once()
    assert told == ["raw", "raw", "vivek", "vivek"]
