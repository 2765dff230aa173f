"""Where a quote stands: a model copies lines well and counts them badly, so a finding's place is where its quote is."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_CHARACTERS = 4
"""A piece of a line that is shorter stands anywhere."""


def place_of(quote: str, lines: Sequence[str]) -> tuple[int, int] | None:
    """The lines (1-based, inclusive) of a block that a quote is, None where it is not in it.

    White space at the edges of lines, and a fence or backticks around the quote, do not count. Whole lines come before
    a piece of one line.
    """
    wanted = [line.strip() for line in quote.strip("\n").split("\n")]
    while wanted and _empty(wanted[0]):
        wanted.pop(0)
    while wanted and _empty(wanted[-1]):
        wanted.pop()
    if not wanted:
        return None
    stripped = [line.strip() for line in lines]
    return _whole(wanted, stripped) or (_piece(wanted[0], stripped) if len(wanted) == 1 else None)


def _empty(line: str) -> bool:
    return not line or line.startswith("```")


def _whole(wanted: list[str], lines: list[str]) -> tuple[int, int] | None:
    for candidate in (wanted, [line.strip("`").strip() for line in wanted]):
        for start in range(len(lines) - len(candidate) + 1):
            if lines[start : start + len(candidate)] == candidate and any(candidate):
                return start + 1, start + len(candidate)
    return None


def _piece(wanted: str, lines: list[str]) -> tuple[int, int] | None:
    for candidate in (wanted, wanted.strip("`").strip()):
        if len(candidate) < LEAST_CHARACTERS:
            continue
        for number, line in enumerate(lines, 1):
            if candidate in line:
                return number, number
    return None
