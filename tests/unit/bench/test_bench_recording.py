"""What is kept of a call, and what of a prompt counts as cached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from vivek.bench.recording import Recorder, conversation
from vivek.errors import ModelAPIError
from vivek.llm.base import (
    CallStats,
    ChatModel,
    Finished,
    Message,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
)
from vivek.llm.scripted import ScriptedCounter, ScriptedModel

SYSTEM = Message("system", "You are an expert.")
COUNTER = ScriptedCounter()


class Warm(ScriptedModel):
    """A model whose server has every prompt in its cache already, or tells nothing of prompts."""

    def __init__(self, *events: StreamEvent, tells: bool = True) -> None:
        super().__init__()
        self._events = events
        self._tells = tells

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        self.samplings.append(sampling)
        total = COUNTER.count_messages(messages) if self._tells else 0
        for event in self._events:
            yield event
        yield Finished("stop", CallStats(total, total if self._tells else None, 1, 10.0, 30.0))


def hear(model: ChatModel, *messages: Message, sampling: Sampling = Sampling(max_tokens=50)) -> None:  # noqa: B008
    async def all_of_it() -> None:
        async for _ in model.stream(messages, sampling):
            pass

    asyncio.run(all_of_it())


def test_a_prompt_that_others_left_in_the_cache_is_not_cached_for_this_arm() -> None:
    recorder = Recorder()
    hear(recorder.around(Warm(Text("yes"))), SYSTEM, Message("user", "one two three"))
    (call,) = recorder.settled(COUNTER)
    assert call["cached_tokens"] == call["prompt_tokens"] > 0
    assert call["shared_tokens"] == 0


def test_a_retry_finds_its_first_prompt_and_reply_in_the_cache() -> None:
    recorder = Recorder()
    model = recorder.around(Warm(Text("yes")))
    ask = Message("user", "one two three")
    hear(model, SYSTEM, ask)
    hear(model, SYSTEM, ask, Message("assistant", "yes"), Message("user", "no"))
    _, again = recorder.settled(COUNTER)
    assert again["shared_tokens"] == COUNTER.count_messages([SYSTEM, ask, Message("assistant", "yes")])


def test_the_arms_last_task_leaves_the_beginning_they_share() -> None:
    before = [SYSTEM, Message("user", "File: a.py, do this"), Message("assistant", "done")]
    recorder = Recorder(before)
    hear(recorder.around(Warm(Text("yes"))), SYSTEM, Message("user", "File: a.py, and that"))
    (call,) = recorder.settled(COUNTER)
    assert call["shared_tokens"] == COUNTER.count_messages([SYSTEM, Message("user", "File: a.py, ")])


def test_no_more_is_cached_than_the_server_says() -> None:
    recorder = Recorder([SYSTEM])
    model = ScriptedModel("yes")
    hear(recorder.around(model), SYSTEM, Message("user", "go"))
    (call,) = recorder.settled(COUNTER)
    assert (call["cached_tokens"], call["shared_tokens"]) == (0, 0)


def test_a_server_that_tells_nothing_has_its_prompts_counted() -> None:
    recorder = Recorder()
    hear(recorder.around(Warm(Text("yes"), tells=False)), SYSTEM)
    (call,) = recorder.settled(COUNTER)
    assert call["prompt_tokens"] == COUNTER.count_messages([SYSTEM])
    assert (call["cached_tokens"], call["shared_tokens"]) == (None, 0)


def test_a_call_is_kept_whole() -> None:
    recorder = Recorder()
    hear(recorder.around(Warm(Text("void"), Retrying("it broke", 2, 0.0), Text("y"), Text("es"))), SYSTEM)
    (call,) = recorder.settled(COUNTER)
    assert call["messages"] == [{"role": "system", "content": "You are an expert."}]
    assert (call["reply"], call["ending"]) == ("yes", "stop")
    assert (call["first_token_ms"], call["total_ms"]) == (10.0, 30.0)
    assert conversation(call) == [SYSTEM, Message("assistant", "yes")]


def test_a_call_that_fails_is_kept_with_what_it_wrote() -> None:
    model = ScriptedModel()
    model.enqueue("one two", error=ModelAPIError("it broke"))
    recorder = Recorder()
    with pytest.raises(ModelAPIError):
        hear(recorder.around(model), SYSTEM)
    (call,) = recorder.settled(COUNTER)
    assert (call["reply"], call["ending"], call["generated_tokens"]) == ("one two", "ModelAPIError", 3)


def test_the_runs_cap_and_seed_hold_for_every_call() -> None:
    model = Warm()
    recorder = Recorder(reply_cap=20, seed=7)
    hear(recorder.around(model), SYSTEM, sampling=Sampling(max_tokens=50, seed=2, temperature=0.5))
    hear(recorder.around(model), SYSTEM, sampling=Sampling(max_tokens=10))
    assert [(each.max_tokens, each.seed, each.temperature) for each in model.samplings] == [
        (20, 8, 0.5),
        (10, 7, 0.0),
    ]
