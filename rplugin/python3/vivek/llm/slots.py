"""The place of a call in llama.cpp's queue, while all of the server's slots are at work.

A slot that takes a call says so at once, with a first sign of progress. So a call without that sign, while no slot
is free, is in the queue; `/slots` and `/metrics` tell how long that is. It asks them only then, and what they do not
tell is left out: it never fails a call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from vivek.llm.base import Queued, StreamEvent

POLL_SECONDS = 0.5
"""How often the queue is looked at; also how long a call may be silent before it is."""

_DEFERRED = re.compile(r"^llamacpp:requests_deferred (\d+)", re.MULTILINE)

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """What a server does. tasks: the calls at work, by number. free: slots with nothing to do.

    waiting: calls in the queue, the asking one included; None where the server does not tell.
    """

    tasks: frozenset[int]
    free: int
    waiting: int | None


class Place:
    """One call's place, from one look at the server to the next. It never grows: who comes later waits behind."""

    def __init__(self) -> None:
        self._seen: frozenset[int] = frozenset()
        self._before: int | None = None

    def ahead(self, load: Load | None) -> int | None:
        """How many calls, at work or waiting, come before this one; None where it does not wait, or is not known."""
        if load is None or load.free or load.waiting == 0:
            return None
        before = (load.waiting or 1) - 1
        if self._before is not None:
            before = min(before, self._before - len(load.tasks - self._seen))
        self._before = max(before, 0)
        self._seen |= load.tasks
        return len(load.tasks) + self._before


async def with_place(
    events: AsyncGenerator[StreamEvent, None],
    client: httpx.AsyncClient,
    *,
    poll_seconds: float | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """The events of a call on llama.cpp, with Queued before the first wherever its place in the queue changes.

    poll_seconds: None for POLL_SECONDS. Closing it closes the call. Raises as the call does.
    """
    seconds = POLL_SECONDS if poll_seconds is None else poll_seconds
    place, told = Place(), 0
    first = asyncio.ensure_future(first_of(events))
    try:
        while not (await asyncio.wait({first}, timeout=seconds))[0]:
            ahead = place.ahead(await _look_until(first, client))
            if ahead and ahead != told and not first.done():
                told = ahead
                yield Queued(ahead)
        if (event := await first) is None:
            return
        yield event
        async for event in events:
            yield event
    finally:
        await ended(first)
        await events.aclose()


async def look(client: httpx.AsyncClient) -> Load | None:
    """What the server does now; None where it does not tell."""
    try:
        slots = await client.get("/slots")
        metrics = await client.get("/metrics")
        rows = slots.json() if slots.is_success else None
    except (httpx.HTTPError, ValueError):
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    working = [row for row in rows if row.get("is_processing")]
    deferred = _DEFERRED.search(metrics.text) if metrics.is_success else None
    tasks = frozenset(row.get("id_task", -1) for row in working)
    return Load(tasks, len(rows) - len(working), int(deferred[1]) if deferred else None)


async def first_of(events: AsyncGenerator[StreamEvent, None]) -> StreamEvent | None:
    """The first event; None where there is none."""
    async for event in events:
        return event
    return None


async def _look_until(first: asyncio.Future[StreamEvent | None], client: httpx.AsyncClient) -> Load | None:
    """What the server does; None as soon as the call's first event is there: a busy server takes long over either."""
    work = asyncio.ensure_future(look(client))
    try:
        if not first.done():
            both: list[asyncio.Future[Any]] = [first, work]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        await ended(work)


async def ended(work: asyncio.Future[T]) -> None:
    """Cancel what still runs, and wait until it has let go of its connection."""
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
