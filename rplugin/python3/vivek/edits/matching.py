"""Which lines of two texts are the same: their longest common subsequence, or nearly where that is costly.

It compares opaque strings; what a line is, and what becomes of the differences, is for its callers to say.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_EXACT_WORK = 200_000
"""Steps that one exact comparison may take (about 0.1 s) before unique lines alone must serve as anchors."""


class Run(NamedTuple):
    """`size` equal lines, from index `old` in the one text and from index `new` in the other (0-based)."""

    old: int
    new: int
    size: int


def runs(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    """The runs of equal lines, in order, none of them touching the next in both texts.

    Minimal (no longer common subsequence exists) unless the texts are long and very different.
    """
    head = _common_head(old, new)
    tail = _common_tail(old, new, head)
    pairs = [(i, i) for i in range(head)]
    middle = _middle(old[head : len(old) - tail], new[head : len(new) - tail])
    pairs += [(head + i, head + j) for i, j in middle]
    pairs += [(len(old) - tail + i, len(new) - tail + i) for i in range(tail)]
    return _joined(pairs)


def _common_head(old: Sequence[str], new: Sequence[str]) -> int:
    size = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        size += 1
    return size


def _common_tail(old: Sequence[str], new: Sequence[str], head: int) -> int:
    size = 0
    while size < min(len(old), len(new)) - head and old[-1 - size] == new[-1 - size]:
        size += 1
    return size


def _joined(pairs: list[tuple[int, int]]) -> list[Run]:
    found: list[Run] = []
    for i, j in pairs:
        last = found[-1] if found else None
        if last and last.old + last.size == i and last.new + last.size == j:
            found[-1] = Run(last.old, last.new, last.size + 1)
        else:
            found.append(Run(i, j, 1))
    return found


def _middle(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Equal pairs of two texts that begin and end differently."""
    if not old or not new:
        return []
    exact = _shortest(old, new)
    if exact is not None:
        return exact
    anchors = _unique(old, new)
    if not anchors:
        return []
    pairs: list[tuple[int, int]] = []
    i = j = 0
    for a, b in [*anchors, (len(old), len(new))]:
        pairs += [(i + m, j + n) for m, n in _middle(old[i:a], new[j:b])]
        pairs.append((a, b))
        i, j = a + 1, b + 1
    return pairs[:-1]


def _shortest(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]] | None:
    """Myers' shortest edit script as equal pairs; None where it would take more than _EXACT_WORK steps."""
    reach = {1: 0}
    trace: list[dict[int, int]] = []
    work = 0
    for distance in range(len(old) + len(new) + 1):
        work += distance + 1
        if work > _EXACT_WORK:
            return None
        trace.append({diagonal: reach[diagonal] for diagonal in range(1 - distance, distance, 2)})
        for diagonal in range(-distance, distance + 1, 2):
            i = reach[diagonal + 1] if _down(reach, diagonal, distance) else reach[diagonal - 1] + 1
            start = i
            while i < len(old) and i - diagonal < len(new) and old[i] == new[i - diagonal]:
                i += 1
            work += i - start
            reach[diagonal] = i
            if i >= len(old) and i - diagonal >= len(new):
                return _walk_back(trace, len(old), len(new))
    raise AssertionError("an edit script of every line always exists")


def _down(reach: dict[int, int], diagonal: int, distance: int) -> bool:
    """Whether the furthest path reaches this diagonal by taking a new line, not by dropping an old one."""
    if diagonal in (-distance, distance):
        return diagonal == -distance
    return reach[diagonal - 1] < reach[diagonal + 1]


def _walk_back(trace: list[dict[int, int]], i: int, j: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for distance in range(len(trace) - 1, 0, -1):
        reach, diagonal = trace[distance], i - j
        down = _down(reach, diagonal, distance)
        before = diagonal + 1 if down else diagonal - 1
        start = reach[before] if down else reach[before] + 1
        pairs += [(k, k - diagonal) for k in range(i - 1, start - 1, -1)]
        i, j = reach[before], reach[before] - before
    pairs += [(k, k) for k in range(i - 1, -1, -1)]
    return pairs[::-1]


def _unique(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Patience: the longest rising sequence of lines that each text has exactly once."""
    in_old, in_new = Counter(old), Counter(new)
    place = {line: j for j, line in enumerate(new) if in_new[line] == 1}
    pairs = [(i, place[line]) for i, line in enumerate(old) if in_old[line] == 1 and line in place]
    return _rising(pairs)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends: list[int] = []
    holders: list[int] = []
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        place = bisect_left(ends, j)
        previous.append(holders[place - 1] if place else -1)
        ends[place : place + 1] = [j]
        holders[place : place + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = holders[-1] if holders else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]
