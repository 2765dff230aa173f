"""What stands around a chat model and passes on what it does not change itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import cast

from vivek.llm.base import ChatModel, Message, ModelInfo, Sampling, StreamEvent, TokenCounter


class AroundModel:
    """A ChatModel that is another one, in all that a subclass leaves as it is."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def info(self) -> ModelInfo:
        """As the model's own."""
        return await self._model.info()

    async def counter(self) -> TokenCounter:
        """As the model's own."""
        return await self._model.counter()

    async def warnings(self) -> Sequence[str]:
        """As the model's own."""
        return await self._model.warnings()

    async def widen(self, tokens: int) -> ModelInfo:
        """As the model's own."""
        return await self._model.widen(tokens)

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[StreamEvent, None]:
        """As the model's own."""
        return cast(AsyncGenerator[StreamEvent, None], self._model.stream(messages, sampling))

    async def answers(self, seconds: float) -> bool:
        """As the model's own."""
        return await self._model.answers(seconds)

    async def aclose(self) -> None:
        """As the model's own."""
        await self._model.aclose()
