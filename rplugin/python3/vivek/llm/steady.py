"""Around any chat model: tries again what may pass, watches over its silence, and tells how long it will still read.

One place for all backends. It speaks to no server itself: `retry`, `watchdog` and `pace` each do their part.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import ClassVar

from vivek.errors import VivekError
from vivek.llm.around import AroundModel
from vivek.llm.base import (
    ChatModel,
    Message,
    ModelInfo,
    Reading,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
    TokenCounter,
)
from vivek.llm.pace import Countdown, Speeds, fresh_share
from vivek.llm.retry import persistently, stream_persistently
from vivek.llm.watchdog import Watchdog, ticking

TICK_SECONDS = 1.0
"""How often a silent call is looked at, and its estimate told anew."""


class SteadyModel(AroundModel):
    """A ChatModel that does not give up at the first failure.

    tell: hears of the tries of `info` and `counter`; those of `stream` are among its events.
    """

    _before: ClassVar[dict[tuple[str, str], list[Message]]] = {}
    """The last prompt of each backend and digest: what of it comes again, the server has in its cache."""

    def __init__(
        self,
        model: ChatModel,
        tell: Callable[[Retrying], None] = lambda _: None,
        speeds: Speeds | None = None,
    ) -> None:
        super().__init__(model)
        self._tell = tell
        self._speeds = speeds or Speeds()
        self._info: ModelInfo | None = None

    async def info(self) -> ModelInfo:
        """As the model's own."""
        self._info = await persistently(self._model.info, self._tell)
        return self._info

    async def counter(self) -> TokenCounter:
        """As the model's own."""
        return await persistently(self._model.counter, self._tell)

    async def widen(self, tokens: int) -> ModelInfo:
        """As the model's own."""
        self._info = await persistently(lambda: self._model.widen(tokens), self._tell)
        return self._info

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """As the model's own; yields Retrying before a further try, and Reading again while it is silent."""
        async with aclosing(stream_persistently(lambda: self._watched(messages, sampling))) as events:
            async for event in events:
                yield event

    async def _watched(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """One try."""
        watchdog, countdown = Watchdog(self._model.answers), self._countdown(messages)
        written: list[str] = []
        try:
            async with aclosing(ticking(self._model.stream(messages, sampling), TICK_SECONDS)) as events:
                async for event in events:
                    if event is not None:
                        watchdog.heard()
                        yield self._noted(event, messages, countdown, written)
                        continue
                    await watchdog.silent()
                    if not written and (again := countdown.tick(time.monotonic())):
                        yield again
        except VivekError as error:
            error.partial = error.partial or "".join(written)
            raise

    def _noted(
        self, event: StreamEvent, messages: Sequence[Message], countdown: Countdown, written: list[str]
    ) -> StreamEvent:
        """The event, a Reading with its estimate; the first text ends the reading, whose speed is kept."""
        if isinstance(event, Reading):
            return countdown.heard(event, time.monotonic())
        if isinstance(event, Text):
            if not written:
                self._learn(messages, countdown)
            written.append(event.text)
        return event

    def _countdown(self, messages: Sequence[Message]) -> Countdown:
        if self._info is None:
            return Countdown(None)
        before = self._before.get(self._key(self._info), [])
        speed = self._speeds.known(*self._key(self._info))
        return Countdown(speed, fresh_share(before, messages))

    def _learn(self, messages: Sequence[Message], countdown: Countdown) -> None:
        if self._info is None or not countdown.total:
            return
        tokens, seconds = countdown.measured(time.monotonic())
        self._speeds.learn(*self._key(self._info), tokens, seconds, exact=countdown.live)
        self._before[self._key(self._info)] = list(messages)

    @staticmethod
    def _key(info: ModelInfo) -> tuple[str, str]:
        return info.backend, info.digest or info.name
