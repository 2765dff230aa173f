from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from vivek.errors import ModelAPIError
from vivek.llm import slots, transport
from vivek.llm.base import Queued, Reading, StreamEvent, Text
from vivek.llm.slots import Load, Place

POLL = 0.01


def load(*tasks: int, free: int = 0, waiting: int | None = 1) -> Load:
    return Load(frozenset(tasks), free, waiting)


def test_those_at_work_and_those_who_came_before_are_counted() -> None:
    assert Place().ahead(load(1, 2, waiting=1)) == 2
    assert Place().ahead(load(1, 2, waiting=4)) == 5


@pytest.mark.parametrize("seen", [None, load(1, free=1, waiting=0), load(1, 2, waiting=0)])
def test_a_call_that_does_not_wait_has_no_place(seen: Load | None) -> None:
    assert Place().ahead(seen) is None


def test_a_server_that_tells_only_of_its_slots_still_tells_that_they_are_at_work() -> None:
    assert Place().ahead(load(1, 2, waiting=None)) == 2


def test_a_call_moves_up_when_one_before_it_begins() -> None:
    place = Place()
    assert place.ahead(load(1, 2, waiting=3)) == 4
    assert place.ahead(load(2, 3, waiting=2)) == 3
    assert place.ahead(load(3, 4, waiting=1)) == 2


def test_those_who_come_later_are_not_counted() -> None:
    place = Place()
    assert place.ahead(load(1, 2, waiting=2)) == 3
    assert place.ahead(load(1, 2, waiting=9)) == 3
    assert place.ahead(load(2, 3, waiting=9)) == 2


loads = st.builds(
    Load, st.frozensets(st.integers(1, 30), min_size=2, max_size=2), st.just(0), st.integers(1, 9)
)


@given(st.lists(loads, min_size=1))
def test_a_place_never_grows_and_never_passes_those_at_work(seen: list[Load]) -> None:
    place = Place()
    places = [place.ahead(one) for one in seen]
    assert all(place is not None and place >= 2 for place in places)
    assert places == sorted(places, reverse=True)  # type: ignore[type-var]


SLOTS = [{"id": 0, "is_processing": True, "id_task": 7}, {"id": 1, "is_processing": True, "id_task": 9}]
METRICS = "# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred 3\n"


async def with_place(
    first: asyncio.Event, routes: dict[str, wire.Answer], rest: Sequence[StreamEvent] = (Text("a"),)
) -> tuple[list[StreamEvent], list[bool]]:
    """The events of a call that says nothing until `first` is set, or a place is told; and whether it was closed."""
    got: list[StreamEvent] = []
    closed: list[bool] = []

    async def call() -> AsyncGenerator[StreamEvent, None]:
        try:
            await first.wait()
            for event in rest:
                yield event
        finally:
            closed.append(True)

    async with wire.serve(routes) as there, transport.client(there.url) as client:
        async for event in slots.with_place(call(), client, poll_seconds=POLL):
            got.append(event)
            first.set()
    return got, closed


def told(slots_answer: object = SLOTS, metrics: wire.Answer | None = None) -> dict[str, wire.Answer]:
    return {"/slots": wire.replying(slots_answer), "/metrics": metrics or wire.replying(METRICS)}


def test_the_place_comes_before_the_first_event() -> None:
    rest = [Reading(0, 9), Text("a")]
    got, closed = asyncio.run(with_place(asyncio.Event(), told(), rest))
    assert got == [Queued(4), *rest]
    assert closed


def test_a_call_that_begins_at_once_asks_nothing() -> None:
    async def begun() -> None:
        first = asyncio.Event()
        first.set()
        async with wire.serve({}) as there, transport.client(there.url) as client:

            async def call() -> AsyncGenerator[StreamEvent, None]:
                yield Text("a")

            got = [event async for event in slots.with_place(call(), client, poll_seconds=30)]
            assert got == [Text("a")]
            assert there.requests == []

    asyncio.run(begun())


@pytest.mark.parametrize(
    "routes",
    [
        {},
        {"/slots": wire.replying("not JSON"), "/metrics": wire.replying("")},
        {"/slots": wire.replying({"error": "no"}), "/metrics": wire.replying("")},
        {"/slots": wire.replying([1]), "/metrics": wire.replying("")},
    ],
)
def test_a_server_that_tells_nothing_fails_no_call(routes: dict[str, wire.Answer]) -> None:
    async def answered() -> tuple[list[StreamEvent], list[bool]]:
        first = asyncio.Event()
        asyncio.get_running_loop().call_later(10 * POLL, first.set)
        return await with_place(first, routes)

    assert asyncio.run(answered())[0] == [Text("a")]


def test_a_failure_of_the_call_is_raised_even_while_the_queue_is_looked_at() -> None:
    async def fail() -> None:
        async def call() -> AsyncGenerator[StreamEvent, None]:
            await asyncio.sleep(3 * POLL)
            raise ModelAPIError("it failed")
            yield Text("never")

        async with wire.serve({"/slots": wire.silence}) as there, transport.client(there.url) as client:
            async for _ in slots.with_place(call(), client, poll_seconds=POLL):
                pass

    with pytest.raises(ModelAPIError, match="it failed"):
        asyncio.run(fail())


def test_a_call_that_is_cancelled_in_the_queue_is_closed() -> None:
    async def cancel() -> bool:
        closed = asyncio.Event()

        async def call() -> AsyncGenerator[StreamEvent, None]:
            try:
                await asyncio.Event().wait()
                yield Text("never")
            finally:
                closed.set()

        queued = asyncio.Event()

        async def read(client: httpx.AsyncClient) -> None:
            async for _ in slots.with_place(call(), client, poll_seconds=POLL):
                queued.set()

        async with wire.serve(told()) as there, transport.client(there.url) as client:
            task = asyncio.create_task(read(client))
            await queued.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return closed.is_set()

    assert asyncio.run(cancel())
