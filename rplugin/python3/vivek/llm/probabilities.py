"""Token probabilities as the servers tell them: from a chunk's form to `Token`s.

It knows no server: each backend hands over what its server tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vivek.llm.base import Token


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


def total(logprobs: Iterable[float]) -> float:
    """The log of the sum of probabilities that are given as logs; minus infinity for none.

    >>> round(total([math.log(0.25), math.log(0.5)]), 4) == round(math.log(0.75), 4)
    True
    """
    known = list(logprobs)
    highest = max(known, default=-math.inf)
    if highest == -math.inf:
        return highest
    return highest + math.log(sum(math.exp(each - highest) for each in known))


def _likely(items: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Different tokens may have one text, such as pieces of a letter: their probabilities add up."""
    found: dict[str, float] = {}
    for item in items:
        text, logprob = str(item.get("token") or ""), float(item["logprob"])
        found[text] = total([found[text], logprob]) if text in found else logprob
    return found
