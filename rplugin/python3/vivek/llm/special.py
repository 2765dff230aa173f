"""What all tokenizers have in common: they find special tokens in the text first, and words repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

TYPES = frozenset({2, 3, 4})
"""The ``tokenizer.ggml.token_type`` of special tokens: unknown, control, user-defined."""


def listed(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The special tokens' spellings, in the order of the vocabulary."""
    tokens = metadata.get("tokenizer.ggml.tokens") or ()
    types = metadata.get("tokenizer.ggml.token_type") or ()
    return tuple(token for token, kind in zip(tokens, types, strict=False) if kind in TYPES and token)


def first_come(special: Sequence[str]) -> tuple[str, ...]:
    """Those that are ever found by a server that looks for one after the other in the order of the vocabulary.

    A token that holds an earlier one never is: that one has cut it before.
    """
    places: dict[str, int] = {}
    for place, token in enumerate(special):
        places.setdefault(token, place)
    return tuple(
        token
        for place, token in enumerate(special)
        if not any(places.get(part, place) < place for part in _parts(token))
    )


def _parts(token: str) -> Iterator[str]:
    return (token[start:end] for start in range(len(token)) for end in range(start + 1, len(token) + 1))


def remembering(length: Callable[[str], int]) -> Callable[[str], int]:
    """The same function of a word, computed but once for those that are short and were met lately."""
    short = lru_cache(maxsize=_WORDS)(length)
    return lambda word: short(word) if len(word) <= _SHORT else length(word)


_WORDS, _SHORT = 1 << 16, 64
"""How many words of at most how many characters are remembered: 1 MB of code has 17,000 to 28,000, nearly all
shorter."""


class Finder:
    """Cuts a text at its special tokens: the longest at each place, as llama.cpp does.

    (It looks for the longest one first in all of the text. That differs only where the end of one token is the
    beginning of another, and in real vocabularies this happens in runs of one character alone, where it does not.)
    """

    def __init__(self, special: Collection[str]) -> None:
        # Shared beginnings make one branch: a flat alternation of Gemma's 6,400 takes seconds for 1 MB.
        self._pattern = re.compile(_any_of(sorted(special)) if special else r"(?!)")

    def cut(self, text: str) -> tuple[int, list[str]]:
        """How many special tokens there are, and the text before, between and after them (also empty)."""
        between = self._pattern.split(text)
        return len(between) - 1, between


def _any_of(words: Sequence[str]) -> str:
    """A pattern without groups for the words, which are not empty, longest first."""
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[:1], []).append(word[1:])
    return "(?:" + "|".join(re.escape(head) + _rest(tails) for head, tails in heads.items()) + ")"


def _rest(tails: list[str]) -> str:
    longer = [tail for tail in tails if tail]
    if not longer:
        return ""
    return _any_of(longer) + ("?" if len(longer) < len(tails) else "")
