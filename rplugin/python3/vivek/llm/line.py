"""A call's place among this process's own calls to a server that says nothing of its queue.

Ollama answers one call of a model at a time, unless it is set up otherwise, and is silent towards the others. What can
be known here is which calls this process has sent before and has no end of yet. Other programs' calls are not known,
and not guessed at. It holds no call back: each is sent at once, and the server decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from vivek.llm.base import Finished, Queued, Reading, StreamEvent, Text
from vivek.llm.slots import ended, first_of


class Line:
    """The calls to one model of one server, in the order in which they were sent. It belongs to the model loop.

    slots: how many calls the server answers at once. It grows where more are seen to be answered at once.
    """

    def __init__(self, slots: int = 1) -> None:
        self._slots = slots
        self._calls: list[_Call] = []
        self._answered: list[_Call] = []

    async def along(
        self, events: AsyncGenerator[StreamEvent, None], turn: Reading
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of a call, with Queued before the first wherever its place changes, and `turn` at the front.

        turn: what the call does there, as far as is known. Closing it closes the call. Raises as the call does.
        """
        call = _Call()
        self._calls.append(call)
        first = asyncio.ensure_future(first_of(events))
        try:
            ahead = -1
            while not first.done():
                call.moved = asyncio.get_running_loop().create_future()
                if ahead != (now := self._ahead(call)):
                    ahead = now
                    yield Queued(ahead) if ahead else turn
                either: list[asyncio.Future[Any]] = [first, call.moved]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if (event := await first) is None:
                return
            yield self._noted(call, event)
            async for event in events:
                yield self._noted(call, event)
        finally:
            self._leave(call)
            await ended(first)
            await events.aclose()

    def _ahead(self, call: _Call) -> int:
        """How many calls come before this one; 0 where the server can answer it beside them."""
        before = self._calls.index(call) if call in self._calls else 0
        return before if before >= self._slots else 0

    def _noted(self, call: _Call, event: StreamEvent) -> StreamEvent:
        if isinstance(event, Text):
            self._hear(call)
        elif isinstance(event, Finished):
            self._leave(call)
        return event

    def _hear(self, call: _Call) -> None:
        """Where a call goes on after a later one's answer has begun, all of those are answered at once."""
        if call not in self._answered:
            self._answered.append(call)
        elif call is not self._answered[-1] and len(self._answered) > self._slots:
            self._slots = len(self._answered)
            self._tell()

    def _leave(self, call: _Call) -> None:
        self._calls = [other for other in self._calls if other is not call]
        self._answered = [other for other in self._answered if other is not call]
        self._tell()

    def _tell(self) -> None:
        for call in self._calls:
            if call.moved is not None and not call.moved.done():
                call.moved.set_result(None)


class _Call:
    """moved: done when its place may have changed."""

    moved: asyncio.Future[None] | None = None
