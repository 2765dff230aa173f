"""A small sample of ``make bench-json``: the planner's and the reviewer's questions on the real embedded 0.5B."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench_json import GOALS, Tally, items, measure
from llama import kill_servers
from real_servers import NAME
from vivek.llm.llamacpp import LlamaCppModel

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

SAMPLE = 6


@pytest.fixture(scope="module")
def tallies(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Tally]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        model = LlamaCppModel(gguf, name=NAME, context_window=1024, idle_seconds=120.0)
        yield asyncio.run(measure(model, SAMPLE))
        kill_servers()


def test_bound_to_a_schema_every_reply_is_an_answer_as_it_stands(tallies: dict[bool, Tally]) -> None:
    assert tallies[True].steps == {"whole": SAMPLE}
    assert tallies[True].calls == SAMPLE


def test_without_a_schema_answers_are_found_too(tallies: dict[bool, Tally]) -> None:
    assert tallies[False].valid >= GOALS[False], tallies[False].lost


def test_what_the_calls_cost_is_counted(tallies: dict[bool, Tally]) -> None:
    for tally in tallies.values():
        assert tally.prompt_tokens > 50 * SAMPLE
        assert tally.generated_tokens >= 5 * SAMPLE


def test_the_questions_differ_from_each_other() -> None:
    asked = [tuple(message.content for message in item.messages) for item in items(200)]
    assert len(set(asked)) == len(asked)
    assert {item.question.shape.__name__ for item in items(2)} == {"Plan", "Verdict"}
