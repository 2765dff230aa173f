from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import ModelAPIError
from vivek.llm.base import CallStats, Finished, Queued, Reading, StreamEvent, Text
from vivek.llm.line import Line

T = TypeVar("T")

TURN = Reading(0, 9)
END = Finished("stop", CallStats(0, None, 0, 0.0, 0.0))


class Call:
    """A call whose server says what the test has it say. closed: whether it was hung up on."""

    def __init__(self, line: Line) -> None:
        self.heard: list[StreamEvent] = []
        self.closed = False
        self._says: asyncio.Queue[StreamEvent | Exception] = asyncio.Queue()
        self.task = asyncio.ensure_future(self._hear(line))

    async def says(self, *events: StreamEvent | Exception) -> None:
        for event in events:
            self._says.put_nowait(event)
        await settled()

    async def stop(self) -> None:
        self.task.cancel()
        await settled()

    async def _hear(self, line: Line) -> None:
        async for event in line.along(self._events(), TURN):
            self.heard.append(event)

    async def _events(self) -> AsyncGenerator[StreamEvent, None]:
        try:
            while True:
                event = await self._says.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if event is END:
                    return
        finally:
            self.closed = True


async def settled() -> None:
    """All that can be done by now is done."""
    for _ in range(20):
        await asyncio.sleep(0)


async def calls(line: Line, count: int) -> list[Call]:
    """So many calls, sent one after the other; unfinished ones are ended with the loop."""
    made = []
    for _ in range(count):
        made.append(Call(line))
        await settled()
    return made


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_a_call_alone_is_at_the_front() -> None:
    async def alone() -> None:
        [call] = await calls(Line(), 1)
        await call.says(Text("a"), END)
        assert call.heard == [TURN, Text("a"), END]

    run(alone())


def test_a_call_waits_for_those_that_came_before_and_moves_up() -> None:
    async def three() -> None:
        first, second, third = await calls(Line(), 3)
        assert (second.heard, third.heard) == ([Queued(1)], [Queued(2)])
        await first.says(Text("a"), END)
        assert (second.heard, third.heard) == ([Queued(1), TURN], [Queued(2), Queued(1)])
        await second.says(Text("b"), END)
        await third.says(Text("c"), END)
        assert third.heard == [Queued(2), Queued(1), TURN, Text("c"), END]

    run(three())


def test_a_call_that_is_stopped_or_fails_lets_the_next_come() -> None:
    async def three() -> None:
        first, second, third = await calls(Line(), 3)
        await first.stop()
        assert first.closed
        assert second.heard == [Queued(1), TURN]
        await second.says(ModelAPIError("It failed."))
        assert third.heard[-1] == TURN
        with pytest.raises(ModelAPIError, match="It failed"):
            await second.task

    run(three())


def test_a_call_that_is_stopped_while_it_waits_is_hung_up_on() -> None:
    async def two() -> None:
        first, second = await calls(Line(), 2)
        await second.stop()
        assert second.closed
        await first.says(Text("a"), END)
        assert first.heard == [TURN, Text("a"), END]

    run(two())


def test_an_answer_that_comes_although_it_was_not_expected_is_passed_on() -> None:
    async def two() -> None:
        _, second = await calls(Line(), 2)
        await second.says(Text("b"), END)
        assert second.heard == [Queued(1), Text("b"), END]

    run(two())


def test_a_server_that_is_seen_to_answer_two_at_once_is_known_to() -> None:
    async def two_at_once() -> None:
        line = Line()
        first, second, third = await calls(line, 3)
        await first.says(Text("a"))
        await second.says(Text("b"))
        assert third.heard == [Queued(2)]
        await first.says(Text("a"))
        assert third.heard == [Queued(2)], (
            "both are at work, so it is the third's turn when one of them has ended"
        )
        await second.says(END)
        assert third.heard == [Queued(2), TURN]
        [fourth] = await calls(line, 1)
        assert fourth.heard == [Queued(2)]
        await third.says(Text("c"), END)
        assert fourth.heard == [Queued(2), TURN]

    run(two_at_once())


def test_one_after_the_other_is_not_at_once() -> None:
    async def one_by_one() -> None:
        line = Line()
        first, second, third = await calls(line, 3)
        await first.says(Text("a"), Text("a"), END)
        await second.says(Text("b"), Text("b"))
        assert third.heard[-1] == Queued(1)
        [fourth] = await calls(line, 1)
        assert fourth.heard == [Queued(2)]

    run(one_by_one())


@given(st.integers(1, 3), st.lists(st.integers(0, 4), min_size=5))
def test_places_only_shrink_and_every_call_is_answered(slots: int, order: list[int]) -> None:
    async def answered() -> None:
        made = await calls(Line(slots), 5)
        for number in [*order, *range(5)]:
            if not made[number].task.done():
                await made[number].says(Text("a"), END)
        for call in made:
            places = [event.ahead for event in call.heard if isinstance(event, Queued)]
            assert places == sorted(set(places), reverse=True)
            assert all(place >= slots for place in places)
            assert call.heard[-2:] == [Text("a"), END]

    run(answered())
