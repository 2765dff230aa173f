"""Cuts a file into the pieces that a model reviews one at a time, and puts them into the order that is worth most.

A piece is a function, a small class, or lines between them that do something. It knows no model and no budget.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from vivek.context.blocks import Block, blocks, imports
from vivek.context.complexity import branches

LARGEST_CLASS = 40
"""Lines; the methods of a larger class are reviewed each by itself."""

LARGEST_DEFINITION = 150
"""Lines; of a larger definition that holds others, those are reviewed."""

CHUNK_LINES = 60
"""Lines of a piece that is no definition."""

LEAST_LINES = 3
"""Lines of code between definitions that are worth a call of the model."""

_COMMENT = re.compile(r"\s*(?:#|//|--|/\*|\*|\"\"\"|''')")

Range = tuple[int, int]


@dataclass(frozen=True)
class Unit:
    """A piece of a file. name: its definition's, "" where it is none. first, last: 1-based and inclusive."""

    name: str
    first: int
    last: int

    def touches(self, ranges: Sequence[Range]) -> bool:
        """Whether any of the ranges has a line in it."""
        return any(first <= self.last and self.first <= last for first, last in ranges)


def units_of(text: str, filetype: str) -> list[Unit]:
    """The pieces of a file in the order of its lines; no line is in two."""
    lines = text.split("\n")
    found = blocks(text, filetype)
    if all(block.kind == "range" for block in found):
        return [unit for block in _gathered(found) for unit in _chunks(lines, block.first, block.last)]
    units = list(_definitions(found))
    passed_over = set(imports(text, filetype).split("\n"))
    between = [unit for gap in _gaps(units, len(lines)) for unit in _chunks(lines, *gap)]
    units += [unit for unit in between if _worth_it(lines[unit.first - 1 : unit.last], passed_over)]
    return sorted(units, key=lambda unit: unit.first)


def ordered(
    units: Sequence[Unit], text: str, filetype: str, changed: Collection[int] | None = None
) -> list[Unit]:
    """The most changed first, then the most complex; the rest as in the file. changed: 1-based lines."""
    ways = list(accumulate(branches(text, filetype), initial=0))
    lines = sorted(changed or ())

    def weight(unit: Unit) -> tuple[int, int]:
        touched = bisect_right(lines, unit.last) - bisect_left(lines, unit.first)
        return -touched, ways[unit.first - 1] - ways[unit.last]

    return sorted(units, key=weight)


def _definitions(found: Sequence[Block]) -> Iterator[Unit]:
    """The outermost definitions, those that are too large given up for the ones inside."""
    end = 0
    for index, block in enumerate(found):
        if block.first <= end:
            continue
        inner = _inside(found, index)
        size = block.last - block.first + 1
        if inner and size > (LARGEST_CLASS if block.kind == "class" else LARGEST_DEFINITION):
            yield from _definitions(inner)
        else:
            yield Unit(block.name, block.first, block.last)
        end = block.last


def _inside(found: Sequence[Block], index: int) -> list[Block]:
    """The blocks in one of them: they follow it."""
    last = found[index].last
    following = (found[at] for at in range(index + 1, len(found)))
    return list(takewhile(lambda block: block.first <= last, following))


def _gaps(units: Sequence[Unit], last: int) -> Iterator[Range]:
    """The runs of lines that no unit holds."""
    start = 1
    for unit in units:
        if start < unit.first:
            yield start, unit.first - 1
        start = max(start, unit.last + 1)
    if start <= last:
        yield start, last


def _gathered(paragraphs: Sequence[Block]) -> Iterator[Block]:
    """Neighbouring paragraphs together, as long as they make no large piece."""
    held: Block | None = None
    for block in paragraphs:
        if held is not None and block.last - held.first < CHUNK_LINES:
            held = Block("", "range", held.first, block.last)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _chunks(lines: Sequence[str], first: int, last: int) -> Iterator[Unit]:
    """The lines in pieces, without the blank lines at their ends."""
    for start in range(first, last + 1, CHUNK_LINES):
        filled = [
            row for row in range(start, min(last, start + CHUNK_LINES - 1) + 1) if lines[row - 1].strip()
        ]
        if filled:
            yield Unit("", filled[0], filled[-1])


def _worth_it(lines: Sequence[str], passed_over: Collection[str]) -> bool:
    code = [line for line in lines if line.strip() and not _COMMENT.match(line)]
    return sum(line not in passed_over for line in code) >= LEAST_LINES
