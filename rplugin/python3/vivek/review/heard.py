"""Around a review's model: tells each event of its calls, whoever makes them, and keeps what each call cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from vivek.llm.around import AroundModel
from vivek.llm.base import CallStats, ChatModel, Finished, Message, Reading, Sampling, StreamEvent

WORTH_TELLING = 64
"""Tokens to read from which on that is told: a doubt takes dozens of calls, each of which reads one or two."""


class HeardModel(AroundModel):
    """A ChatModel whose events are told to `hear`, from the model loop's thread; not of each token that is read."""

    def __init__(self, model: ChatModel, hear: Callable[[StreamEvent], None]) -> None:
        super().__init__(model)
        self._hear = hear
        self._costs: list[CallStats] = []

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """As the model's own."""
        short: bool | None = None
        async with aclosing(super().stream(messages, sampling)) as events:
            async for event in events:
                if isinstance(event, Reading) and short is None:
                    short = event.total - event.done < WORTH_TELLING
                if not (short and isinstance(event, Reading)):
                    self._hear(event)
                if isinstance(event, Finished):
                    self._costs.append(event.stats)
                yield event

    def cost(self) -> tuple[int, CallStats]:
        """How many calls have ended since this was asked last, and what they cost together."""
        costs, self._costs = self._costs, []
        cached = [each.cached_tokens for each in costs if each.cached_tokens is not None]
        together = CallStats(
            prompt_tokens=sum(each.prompt_tokens for each in costs),
            cached_tokens=sum(cached) if cached else None,
            generated_tokens=sum(each.generated_tokens for each in costs),
            first_token_ms=costs[0].first_token_ms if costs else 0.0,
            total_ms=sum(each.total_ms for each in costs),
        )
        return len(costs), together
