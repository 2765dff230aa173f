"""What of a model's calls reaches the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from vivek.errors import ModelAPIError
from vivek.llm.base import Message, Sampling, Text
from vivek.llm.logged import LoggedModel
from vivek.llm.scripted import ScriptedModel

PROMPT = [Message("user", "the secret plan")]


async def reply(model: LoggedModel) -> str:
    events = [event async for event in model.stream(PROMPT, Sampling(max_tokens=50))]
    return "".join(event.text for event in events if isinstance(event, Text))


def test_a_call_is_noted_with_its_cost_and_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vivek")
    assert asyncio.run(reply(LoggedModel(ScriptedModel("an answer"), {"run": "r7"}))) == "an answer"
    (record,) = caplog.records
    told = vars(record)
    assert (told["run"], told["ending"], told["generated_tokens"]) == ("r7", "stop", 3)
    assert "secret" not in str(told)
    assert "an answer" not in str(told)


def test_calls_that_only_look_at_probabilities_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vivek")

    async def look() -> None:
        async for _ in LoggedModel(ScriptedModel("a"), {}).stream(PROMPT, Sampling(max_tokens=1, likely=5)):
            pass

    asyncio.run(look())
    assert caplog.records == []


def test_prompt_and_reply_are_noted_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vivek")
    asyncio.run(reply(LoggedModel(ScriptedModel("an answer"), {})))
    by_name = {record.message: vars(record) for record in caplog.records}
    assert by_name["prompt"]["messages"] == [{"role": "user", "content": "the secret plan"}]
    assert by_name["reply"]["text"] == "an answer"


def test_what_was_written_before_a_failure_is_noted_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vivek")
    model = ScriptedModel()
    model.enqueue("half an answer", error=ModelAPIError("broken"), after=4)
    with pytest.raises(ModelAPIError):
        asyncio.run(reply(LoggedModel(model, {})))
    told = vars(caplog.records[-1])
    assert (told["text"], told["ending"]) == ("half", "ModelAPIError")
