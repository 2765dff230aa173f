"""What a review hears of its calls: that a block is read, and what its many short calls cost together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from vivek.llm.base import CallStats, Finished, Message, Reading, Sampling, StreamEvent
from vivek.llm.scripted import ScriptedModel
from vivek.review.heard import WORTH_TELLING, HeardModel

ASK = [Message("user", "?")]


class Reader(ScriptedModel):
    """A model that reads so many tokens, of which it knew some."""

    def __init__(self, total: int, cached: int | None) -> None:
        super().__init__()
        self.total = total
        self.cached = cached

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        yield Reading(self.cached or 0, self.total)
        yield Reading(self.total, self.total)
        yield Finished("stop", CallStats(self.total, self.cached, 2, 3.0, 4.0))


def heard(model: Reader, calls: int = 1) -> tuple[list[StreamEvent], HeardModel]:
    told: list[StreamEvent] = []
    listening = HeardModel(model, told.append)

    async def call() -> None:
        async for _ in listening.stream(ASK, Sampling(max_tokens=1)):
            pass

    for _ in range(calls):
        asyncio.run(call())
    return told, listening


@pytest.mark.parametrize(("cached", "is_told"), [(0, True), (200 - WORTH_TELLING + 1, False), (199, False)])
def test_only_what_takes_a_while_to_read_is_told(cached: int, is_told: bool) -> None:
    told, _ = heard(Reader(200, cached))
    assert [event for event in told if isinstance(event, Reading)] == (
        [Reading(cached, 200), Reading(200, 200)] if is_told else []
    )


@pytest.mark.parametrize(("cached", "together"), [(7, 21), (None, None)])
def test_the_cost_of_several_calls_is_told_once_and_as_one(cached: int | None, together: int | None) -> None:
    _, model = heard(Reader(10, cached), calls=3)
    assert model.cost() == (3, CallStats(30, together, 6, 3.0, 12.0))
    assert model.cost()[0] == 0
