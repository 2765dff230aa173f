"""A model that copies a text which it knows by heart, and tells how sure it is of each token."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

from vivek.llm.base import CallStats, Capability, Finished, Message, Sampling, StreamEvent, Text, Token
from vivek.llm.scripted import ScriptedModel, tokens

SURE = math.log(0.98)
UNLIKELY = math.log(0.001)


class Copyist(ScriptedModel):
    """A ChatModel that writes `text`, whatever was written so far, from the same character on.

    opening: what stands before the text in its reply. unsure: of the token at a character, what is told instead of
    being sure, the likeliest one being written. Where its last message is not its own, it says what its script says.
    """

    def __init__(
        self,
        text: str,
        opening: str = "```python\n",
        unsure: Mapping[int, Mapping[str, float]] | None = None,
        capabilities: Collection[Capability] = ("logprobs", "prefill"),
    ) -> None:
        super().__init__(capabilities=capabilities)
        self.text = text
        self.opening = opening
        self.unsure = unsure or {}
        self.begun: list[str] = []

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Go on with the text."""
        if messages[-1].role != "assistant":
            async for event in super().stream(messages, sampling):
                yield event
            return
        begun = messages[-1].content.removeprefix(self.opening)
        self.begun.append(begun)
        at = len(begun)
        for piece in tokens(self.text[at:])[: sampling.max_tokens]:
            likely = self.unsure.get(at, {piece: SURE, "\x00": UNLIKELY})
            at += len(piece)
            if not sampling.likely:
                yield Text(piece)
                continue
            written = max(likely, key=lambda each: likely[each], default=piece)
            yield Text(written, (Token(written, likely.get(written, UNLIKELY), likely),))
        yield Finished("length", CallStats(9, 8, 4, 1.0, 2.0))
