"""Tells a server that is dead from one that is only silent.

A server that loads a model or reads a long prompt says nothing for minutes, so silence alone means nothing. Dead
means that the connection is lost, which the transport notices, or that a second connection's health page is silent
too, which is looked at here. It knows no server: each model's `answers` asks its own health page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar, cast

from vivek.errors import ModelConnectionLostError

QUIET_SECONDS = 5.0
"""How long a stream says nothing before the health page is looked at, and between two such looks."""

ANSWER_SECONDS = 5.0
"""How long the health page may be silent."""

T = TypeVar("T")


async def ticking(events: AsyncIterator[T], seconds: float) -> AsyncGenerator[T | None, None]:
    """The events as they come, and None for each time that none came for so many seconds.

    The stream is read in a task of its own, from its first event to its end or its closing.
    """
    heard: asyncio.Queue[T] = asyncio.Queue()
    reader = asyncio.create_task(_read(events, heard))
    try:
        while True:
            if not heard.empty():
                yield heard.get_nowait()
                continue
            if reader.done():
                reader.result()
                return
            following = asyncio.create_task(heard.get())
            try:
                await asyncio.wait({following, reader}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # An item that the cancelled task has taken already is not lost: it is its result.
                got = following.done() and not following.cancelled()
                following.cancel()
            if got:
                yield following.result()
            elif not reader.done() and heard.empty():
                yield None
    finally:
        reader.cancel()
        await asyncio.wait({reader})
        if not reader.cancelled():
            reader.exception()  # or asyncio logs it as never looked at, where the caller left first


async def _read(events: AsyncIterator[T], heard: asyncio.Queue[T]) -> None:
    async with aclosing(cast("AsyncGenerator[T, None]", events)) as stream:
        async for event in stream:
            heard.put_nowait(event)


class Watchdog:
    """Looks at a server's health page while its stream is silent."""

    def __init__(self, answers: Callable[[float], Awaitable[bool]]) -> None:
        self._answers = answers
        self.heard()

    def heard(self) -> None:
        """Something came."""
        self._quiet_since = time.monotonic()

    async def silent(self) -> None:
        """Nothing came for a while. Raises ModelConnectionLostError where the server is dead."""
        if time.monotonic() - self._quiet_since < QUIET_SECONDS:
            return
        if not await self._answers(ANSWER_SECONDS):
            raise _dead()
        self.heard()


def _dead() -> ModelConnectionLostError:
    error = ModelConnectionLostError(
        f"The model's server has hung: for {QUIET_SECONDS:.0f} seconds no word came, and then none from its health"
        f" page for {ANSWER_SECONDS:.0f} more.",
        hint="Restart it, then ask again.",
    )
    error.transient = False  # a server that hangs does not come back by being asked again
    return error
