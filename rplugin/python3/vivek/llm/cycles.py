"""Finds where a growing text goes round in circles, at any period, in constant time for each token.

It judges no text: it tells how long the present circle is and of what kind, and `vivek.llm.garbage` decides how long is
too long. Whitespace does not count, so that a loop that is indented a little differently each time is still one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["one", "words", "signs", "counted words", "counted signs", "filled words"]
"""one: a single token, over and over. words, signs: the same again, with or without words in it. counted: numbers go up
or down evenly from round to round. filled: any numbers, as in the rows of a table."""

_TOKEN = re.compile(r"[^\W\d_]{1,16}|\d{1,16}|\n|[^\w\s]|_")
_WORD = re.compile(r"(?![xX]?[0-9a-fA-F]+$)[^\W\d_]{2,}")
_GRAM = 3
_FARTHEST = 4096
"""Tokens of the longest period that is looked for."""


@dataclass(frozen=True)
class Circle:
    """A repetition that reaches up to now. chars: those that repeat what was there already. rounds: how often."""

    kind: Kind
    chars: int
    rounds: float


class Cycles:
    """Feed it the pieces of a text."""

    def __init__(self) -> None:
        self._rest = ""
        self._exact = _Cycle(filled=False)
        self._filled = _Cycle(filled=True)

    def feed(self, piece: str) -> Iterator[Circle]:
        """The circles after each token that the piece completes."""
        text = self._rest + piece
        self._rest = ""
        for found in _TOKEN.finditer(text):
            token = found[0]
            if found.end() == len(text) and len(token) < 16 and token.isalnum():
                self._rest = token  # it may go on in the next piece
                return
            yield from self._take(token)

    def present(self) -> Iterator[Circle]:
        """The circles that reach up to the last whole token."""
        for cycle in (self._exact, self._filled):
            if circle := cycle.circle():
                yield circle

    def _take(self, token: str) -> Iterator[Circle]:
        number = _number(token)
        for cycle in (self._exact, self._filled):
            cycle.take(token, number)
        yield from self.present()


def _number(token: str) -> int | None:
    """What counts: a number, or a single letter."""
    if token.isdecimal():
        return int(token)
    return ord(token) if len(token) == 1 and token.isascii() and token.isalpha() else None


class _Cycle:
    """One comparison of each token with that one period earlier. filled: whether any number equals any other."""

    def __init__(self, *, filled: bool) -> None:
        self._is_filled = filled
        self._tokens: list[str] = []
        self._numbers: list[int | None] = []
        self._last: dict[tuple[str, ...], int] = {}
        self._start(0)

    def _start(self, period: int) -> None:
        self._period, self._run, self._chars = period, 0, 0
        self._even, self._words = True, False

    def take(self, token: str, number: int | None) -> None:
        at, period = len(self._tokens), self._period
        self._tokens.append("#" if self._is_filled and number is not None else token)
        self._numbers.append(number)
        gram = tuple(self._tokens[-_GRAM:])
        if period and self._tokens[at - period] == self._tokens[at]:
            self._run += 1
            self._chars += len(token)
            self._even = self._even and self._evenly(at)
            if self._run == period:
                self._words = any(_WORD.match(known) for known in self._tokens[-period:])
        else:
            before = self._last.get(gram)
            self._start(at - before if before is not None and at - before <= _FARTHEST else 0)
        self._last[gram] = at

    def _evenly(self, at: int) -> bool:
        """Whether the number here differs from that a period earlier by as much as that one did from its own."""
        here, before = self._numbers[at], self._numbers[at - self._period]
        if here is None or before is None or self._run <= self._period:
            return True
        first = self._numbers[at - 2 * self._period]
        return first is not None and here - before == before - first

    def circle(self) -> Circle | None:
        kind = self._kind()
        if not kind or not self._period or self._run < 2 * self._period:
            return None
        return Circle(kind, self._chars, self._run / self._period)

    def _kind(self) -> Kind | None:
        """None for rows of mere numbers that do not count: a table."""
        if not self._is_filled:
            return "one" if self._period == 1 else "words" if self._words else "signs"
        if self._even:
            return "counted words" if self._words else "counted signs"
        return "filled words" if self._words else None
