"""The white space at the start of lines: what a block has in common, its step, and how it is changed.

Lines come without their newline. It knows no language; which lines belong to a string is told by `strings`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from math import gcd

DEFAULT_STEP = 4
"""Columns of a tab where a text itself gives no hint (PEP 8's step)."""


def indentation(line: str) -> str:
    """The spaces and tabs that a line starts with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def is_blank(line: str) -> bool:
    """Whether a line holds nothing but white space."""
    return not line.strip()


def margin(lines: Iterable[str], skip: Collection[int] = ()) -> str:
    """The white space that all lines start with; blank lines and the indices in `skip` do not count."""
    kept = [indentation(line) for k, line in enumerate(lines) if k not in skip and not is_blank(line)]
    return reduce(common_start, kept) if kept else ""


def common_start(one: str, other: str) -> str:
    """The longest text that both begin with."""
    size = 0
    while size < min(len(one), len(other)) and one[size] == other[size]:
        size += 1
    return one[:size]


def dedented(lines: Sequence[str], by: str) -> list[str]:
    """The lines without the white space `by`, or without as much of it as they have."""
    return [line[len(common_start(by, line)) :] for line in lines]


def uses_tabs(lines: Iterable[str]) -> bool | None:
    """Whether lines are indented with tabs; None where none is indented at all."""
    starts = [line[0] for line in lines if line[:1] in (" ", "\t") and not is_blank(line)]
    return starts.count("\t") * 2 > len(starts) if starts else None


def step(lines: Iterable[str]) -> int:
    """Columns of one level in lines indented with spaces: 2, 3, 4 or 8; DEFAULT_STEP without a hint."""
    widths = [len(indentation(line)) for line in lines if not is_blank(line) and line[0] == " "]
    common = reduce(gcd, widths, 0)
    return common if common in (2, 3, 4, 8) else DEFAULT_STEP


def with_tabs(line: str, columns: int) -> str:
    """The line with a tab for every `columns` spaces at its start; fewer are left as they are."""
    start = indentation(line)
    width = len(start.replace("\t", " " * columns))
    return "\t" * (width // columns) + " " * (width % columns) + line[len(start) :]


def with_spaces(line: str, columns: int) -> str:
    """The line with `columns` spaces for every tab at its start."""
    start = indentation(line)
    return start.replace("\t", " " * columns) + line[len(start) :]


def words(text: str) -> list[str]:
    """The identifiers of a text, in order, repeated as they are there."""
    return re.findall(r"[A-Za-z_$][\w$]*", text)


def text_line(lines: Sequence[str], *, reverse: bool = False) -> int | None:
    """The place (from 0) of the first line that is not blank, or of the last one; None where all are blank."""
    places = range(len(lines) - 1, -1, -1) if reverse else range(len(lines))
    return next((k for k in places if not is_blank(lines[k])), None)
