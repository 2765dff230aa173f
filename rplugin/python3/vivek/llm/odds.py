"""How sure a model is of a one-word answer: from the probabilities of its first token, which say more than the word.

It knows no server: each backend turns what its server tells into `Token`s. A server that drafts (llama.cpp's
speculation) tells right values for a reply's first token alone, and no more is read here.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from vivek.llm.base import MOST_LIKELY, ChatModel, Message, Sampling, StreamEvent, Text, Token

_ONE_WORD = Sampling(max_tokens=1, likely=MOST_LIKELY)


async def log_odds(model: ChatModel, messages: Sequence[Message], word: str, other: str) -> float | None:
    """The log of how much likelier the reply begins with one word than with the other; None where nothing tells.

    The words begin with different letters; upper and lower case are the same. Of a word that is not among the likely
    beginnings no more is known than that it is less likely than these, and it counts as the least of them. Raises as
    `ChatModel.stream`.
    """
    tokens: list[Token] = []
    stream: AsyncIterator[StreamEvent] = model.stream(messages, _ONE_WORD)
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Text):
                tokens += event.tokens
    return between(tokens[0].likely, word, other) if tokens else None


def between(likely: Mapping[str, float], word: str, other: str) -> float | None:
    """The log-odds of one word over the other, from log-probabilities of first tokens; None where neither is there.

    >>> round(between({"Yes": -1.0, " yes": -2.0, "No": -3.0}, "Yes", "No"), 2)
    2.31
    >>> between({"Maybe": -0.1}, "Yes", "No") is None
    True
    """
    mine, its = _sum(likely, word), _sum(likely, other)
    if mine is None and its is None:
        return None
    least = min(likely.values())
    return (least if mine is None else mine) - (least if its is None else its)


def tokens_of(items: Sequence[Mapping[str, Any]] | None) -> tuple[Token, ...]:
    """The tokens of a chunk, from the form that OpenAI's, llama.cpp's and Ollama's chats share."""
    return tuple(
        Token(
            str(item.get("token") or ""),
            float(item["logprob"]),
            _likely(item.get("top_logprobs") or ()),
        )
        for item in items or ()
    )


def _likely(items: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Different tokens may have one text, such as pieces of a letter: their probabilities add up."""
    found: dict[str, float] = {}
    for item in items:
        text, logprob = str(item.get("token") or ""), float(item["logprob"])
        found[text] = _added(found[text], logprob) if text in found else logprob
    return found


def _sum(likely: Mapping[str, float], word: str) -> float | None:
    """The log-probability of all beginnings of a word together."""
    total: float | None = None
    for token, logprob in likely.items():
        beginning = token.strip().lower()
        if beginning and word.lower().startswith(beginning):
            total = logprob if total is None else _added(total, logprob)
    return total


def _added(one: float, other: float) -> float:
    """The log of the sum of two probabilities that are given as logs."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
