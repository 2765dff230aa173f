"""Teacher forcing: how likely a model finds a text that somebody else wrote, token by token.

The text is put into the model's mouth, as the beginning of its own reply, and at each place it tells what it would go
on with. This needs a server that continues a begun reply ("prefill") and tells probabilities ("logprobs"), and nothing
else of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile

from vivek.llm.base import MOST_LIKELY, ChatModel, Message, Sampling, StreamEvent, Text, Token

STRETCH = 2
"""Tokens of one call. They hold good as far as the model itself writes the text, which is nearly always. The embedded
server tells no probabilities of tokens that it drafted, and drafts where a call goes on after these."""

_STEP = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")
"""What is passed over as one token where the server does not tell which one stands there."""


@dataclass(frozen=True)
class Place:
    """One token of the text. at: its first character, from 0. nats: minus its log-probability.

    A token that is not among the likely ones counts as the least of them. rather: the likeliest token where that is
    another one, else "".
    """

    at: int
    text: str
    nats: float
    rather: str

    @property
    def end(self) -> int:
        """The character after it."""
        return self.at + len(self.text)


async def forced(
    model: ChatModel,
    messages: Sequence[Message],
    opening: str,
    text: str,
    span: tuple[int, int] | None = None,
) -> AsyncGenerator[Place, None]:
    """The text's tokens, as they are measured; it ends early where the server tells nothing.

    opening: what stands before the text in the reply. span: the characters (from 0, end exclusive) that are wanted,
    None for all. Raises as `ChatModel.stream`.
    """

    async def measured(at: int) -> list[_Measured]:
        """The next places, as far as one call tells."""
        begun = Message("assistant", opening + text[:at])
        found: list[_Measured] = []
        for token in await _told(model, [*messages, begun]):
            found.append(_measured(token, text, found[-1].end if found else at))
            if found[-1].place.rather or found[-1].end >= len(text):
                break
        return found

    at, end = span or (0, len(text))
    last: _Measured | None = None
    while at < end and (told := await measured(at)):
        for now in told:
            if last and (longer := last.longer(now.place)):
                last, at = longer, longer.end
                break
            if last and now.place.rather and (shorter := last.shorter()):
                [after, *_] = await measured(shorter.end) or [now]
                if shorter.nats + after.place.nats < last.place.nats + now.place.nats:
                    yield shorter
                    last, at = after, after.end
                    break
            if last:
                yield last.place
            last, at = now, now.end
            if at >= end:
                break
    if last:
        yield last.place


@dataclass(frozen=True)
class _Measured:
    """A place, and the log-probabilities of the tokens that the text goes on with there."""

    place: Place
    fitting: Mapping[str, float]

    @property
    def end(self) -> int:
        return self.place.end

    def shorter(self) -> Place | None:
        """The place anew with fewer blanks: the last one of an indentation often belongs to the word's token."""
        text = self.place.text
        others = [each for each in self.fitting if text.isspace() and len(each) < len(text)]
        best = max(others, key=lambda each: self.fitting[each], default="")
        return Place(self.place.at, best, -self.fitting[best], "") if best else None

    def longer(self, following: Place) -> _Measured | None:
        """The place anew with a longer token, where that makes the text likelier than the token that follows it does.

        A model that writes `<` and then no `=` did not begin a `<=`, which is a token of its own.
        """
        others = {each: logprob for each, logprob in self.fitting.items() if len(each) > len(self.place.text)}
        if not following.rather or not others:
            return None
        best = max(others, key=lambda each: others[each])
        if -others[best] >= self.place.nats + following.nats:
            return None
        rather = self.place.rather or self.place.text
        return _Measured(Place(self.place.at, best, -others[best], rather), {})


async def _told(model: ChatModel, messages: Sequence[Message]) -> list[Token]:
    sampling = Sampling(max_tokens=STRETCH, likely=MOST_LIKELY)
    tokens: list[Token] = []
    stream: AsyncIterator[StreamEvent] = model.stream(messages, sampling)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Text):
                tokens += event.tokens
    return list(takewhile(lambda token: token.likely, tokens))


def _measured(token: Token, text: str, at: int) -> _Measured:
    """What the token says of the text at a place."""
    rest = text[at:]
    fitting = {each: logprob for each, logprob in token.likely.items() if each and rest.startswith(each)}
    step = _STEP.match(rest)
    assert step is not None, "there is text left"
    there = max(fitting, key=lambda each: fitting[each], default=step[0])
    there = token.text if token.text in fitting else there
    nats = -fitting[there] if fitting else -min(token.likely.values())
    return _Measured(Place(at, there, max(nats, 0.0), "" if there == token.text else token.text), fitting)
