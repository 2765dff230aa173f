"""Between the agent and any model: notes in the log what each call cost and how it ended.

Prompts and replies are noted at the level ``debug`` alone. It changes nothing of what passes through.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from vivek.errors import VivekError
from vivek.llm.around import AroundModel
from vivek.llm.base import (
    ChatModel,
    Finished,
    Message,
    ModelInfo,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
)

_log = logging.getLogger(__name__)


class LoggedModel(AroundModel):
    """A ChatModel whose calls are logged. about: what each record names beside, e.g. the run."""

    def __init__(self, model: ChatModel, about: Mapping[str, str]) -> None:
        super().__init__(model)
        self._about = about

    async def widen(self, tokens: int) -> ModelInfo:
        """As the model's own."""
        info = await super().widen(tokens)
        _log.info("window", extra=self._extra(context_window=info.context_window))
        return info

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """As the model's own."""
        # To see what is likely takes dozens of calls of one token.
        noted = logging.DEBUG if sampling.likely else logging.INFO
        _log.debug("prompt", extra=self._extra(messages=[asdict(message) for message in messages]))
        written: list[str] = []
        ending = "stopped"
        try:
            async with aclosing(super().stream(messages, sampling)) as events:
                async for event in events:
                    self._note(event, written, noted)
                    if isinstance(event, Finished):
                        ending = event.reason
                    yield event
        except VivekError as error:
            ending = error.kind
            raise
        finally:
            _log.debug("reply", extra=self._extra(text="".join(written), ending=ending))

    def _note(self, event: StreamEvent, written: list[str], noted: int) -> None:
        if isinstance(event, Text):
            written.append(event.text)
        elif isinstance(event, Retrying):
            written.clear()
            _log.warning("retrying", extra=self._extra(**asdict(event)))
        elif isinstance(event, Finished):
            _log.log(noted, "call", extra=self._extra(ending=event.reason, **asdict(event.stats)))

    def _extra(self, **values: Any) -> dict[str, Any]:
        return {**self._about, **values}
