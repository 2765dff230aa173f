"""A model that keeps failing a check, on the whole graph: it is asked more simply, and the user hears of it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from test_ask import BROKEN, GOOD, SAME, Asker

from vivek.agent.adaptive import RUNNING, TrackRecord, simpler
from vivek.context.symbols import Symbol
from vivek.errors import ModelOutputInvalidError
from vivek.llm.base import ModelInfo
from vivek.llm.profiles import PROFILES
from vivek.llm.scripted import ScriptedModel
from vivek.request import Diagnostic

LARGE = PROFILES["large"]
UNDEFINED = "```python\ndef area(r):\n    return 5 * undefined_thing\n```\n"


@pytest.fixture
def asker() -> Iterator[Asker]:
    made = Asker(ScriptedModel(repeat_last=True))
    made.symbols = [Symbol("helper", "def helper() -> None", "", Path("b.py"), 1)]
    yield made
    made.loop.close()


def fails(asker: Asker, reply: str, asks: int = 1) -> None:
    """So many asks whose every attempt is this reply."""
    for _ in range(asks):
        asker.model.enqueue(reply)
        with suppress(ModelOutputInvalidError):
            asker()


def succeeds(asker: Asker, asks: int = 1) -> None:
    for _ in range(asks):
        asker.model.enqueue(GOOD)
        asker()


def told(asker: Asker) -> list[str]:
    return [text for text in asker.notices() if "in a row" in text]


def test_after_three_asks_that_fail_one_check_the_prompt_is_plain_and_attempts_are_fewer(
    asker: Asker,
) -> None:
    fails(asker, UNDEFINED, RUNNING)
    full = asker.model.prompts[-3][1].content
    assert "Signatures" in full
    assert told(asker) == []
    result = asker(diagnostics=(Diagnostic(1, "r is not a good name"),))
    plain = asker.model.prompts[-2][1].content
    assert result["iterations"] == 2
    assert "Signatures" not in plain
    assert "r is not a good name" in plain
    assert "new version of the code block above" in full
    assert "new version of the code block above" not in plain
    [text] = told(asker)
    assert "`names are defined`" in text


def test_the_user_is_told_once(asker: Asker) -> None:
    fails(asker, UNDEFINED, RUNNING + 3)
    assert len(told(asker)) == 1


def test_an_ask_that_ends_in_an_error_counts(asker: Asker) -> None:
    fails(asker, SAME, RUNNING)
    succeeds(asker)
    [text] = told(asker)
    assert "`changes something`" in text


def test_a_check_that_asking_again_mends_is_no_habit(asker: Asker) -> None:
    for _ in range(RUNNING + 1):
        asker.model.enqueue(BROKEN)
        succeeds(asker)
    assert told(asker) == []


def test_different_checks_in_turn_are_no_habit(asker: Asker) -> None:
    for reply in (UNDEFINED, SAME, UNDEFINED, SAME):
        fails(asker, reply)
    succeeds(asker)
    assert told(asker) == []


def test_one_clean_ask_in_between_starts_the_count_anew(asker: Asker) -> None:
    fails(asker, UNDEFINED, 2)
    succeeds(asker)
    fails(asker, UNDEFINED, 2)
    succeeds(asker)
    assert told(asker) == []


def test_three_clean_asks_end_it(asker: Asker) -> None:
    fails(asker, UNDEFINED, RUNNING)
    succeeds(asker, RUNNING)
    assert "Signatures" not in asker.model.prompts[-1][1].content
    succeeds(asker)
    assert "Signatures" in asker.model.prompts[-1][1].content


def test_an_answer_in_words_says_nothing_of_the_checks(asker: Asker) -> None:
    fails(asker, UNDEFINED, 2)
    asker.model.enqueue("It squares.")
    asker("explain this")
    fails(asker, UNDEFINED)
    succeeds(asker)
    assert len(told(asker)) == 1


def test_models_are_told_apart_by_their_weights_and_else_by_name() -> None:
    record = TrackRecord()
    bad = ModelInfo("m", "ollama", "abc", 8192)
    for _ in range(RUNNING):
        record.add(bad, [["parses"], ["parses", "reasonable size"]])
    assert record.adapted(ModelInfo("same weights", "embedded", "abc", 8192), LARGE)[0].plain
    assert record.adapted(ModelInfo("m", "ollama", "def", 8192), LARGE)[0] == LARGE


def test_the_simpler_way_costs_no_call_that_is_not_needed() -> None:
    profile = simpler(LARGE)
    assert (profile.plain, profile.plan, profile.verdict) == (True, False, False)
    assert profile.iterations == LARGE.iterations - 1
    assert simpler(simpler(simpler(profile))).iterations == 1
