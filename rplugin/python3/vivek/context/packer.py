"""Fits the parts of a prompt in a budget of tokens, the important ones first, and keeps account of what was
left out.

It counts with the function it is given and cuts at line boundaries. It writes no prompt and adds no marks
where it cuts: a small model copies an ellipsis into its answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from vivek.errors import ContextWindowExceededError

Shrink = Literal["drop", "head", "tail", "around"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Part:
    """A piece of a prompt.

    priority: lower is more important. required: never cut. shrink: what to keep where the whole does not fit:
    "drop" nothing, "head" the first lines, "tail" the last lines, "around" the lines nearest to `focus`.
    focus: a line of the text, 1-based; 0 is its middle.
    """

    name: str
    text: str
    priority: int
    required: bool = False
    shrink: Shrink = "drop"
    focus: int = 0


@dataclass(frozen=True)
class Packed:
    """What fits.

    parts: in the order given, possibly shortened. used: their tokens, never more than the budget. kept, cut,
    dropped: each part's name once, in the order given, with the tokens that it has (kept), that it lost
    (cut, of a part that is there in part), or that it would have had (dropped).
    """

    parts: list[Part]
    used: int
    kept: list[tuple[str, int]] = field(default_factory=list)
    cut: list[tuple[str, int]] = field(default_factory=list)
    dropped: list[tuple[str, int]] = field(default_factory=list)


def pack(parts: Sequence[Part], budget: int, count: Callable[[str], int]) -> Packed:
    """Choose what fits in `budget` tokens, `count` giving the tokens of a text.

    Required parts come first, then the others by priority, those of one priority in the order given. A part
    that does not fit whole is shortened as its `shrink` says; a less important one may still fit after it.

    Raises ContextWindowExceededError where the required parts alone do not fit.
    """
    sizes = [count(part.text) for part in parts]
    used = sum(size for part, size in zip(parts, sizes, strict=True) if part.required)
    if used > budget:
        raise _too_large(parts, used, budget)
    texts: dict[int, tuple[str, int]] = {}
    for index in sorted(range(len(parts)), key=lambda index: parts[index].priority):
        part, size = parts[index], sizes[index]
        if part.required:
            texts[index] = part.text, size
            continue
        text, size = (part.text, size) if used + size <= budget else _shortened(part, budget - used, count)
        used += size
        if text or not part.text:
            texts[index] = text, size
    return _account(parts, sizes, texts, used)


def _account(
    parts: Sequence[Part], sizes: Sequence[int], texts: dict[int, tuple[str, int]], used: int
) -> Packed:
    packed = Packed([], used)
    for index, part in enumerate(parts):
        if index not in texts:
            packed.dropped.append((part.name, sizes[index]))
            continue
        text, size = texts[index]
        packed.parts.append(replace(part, text=text))
        if text == part.text:
            packed.kept.append((part.name, size))
        else:
            packed.cut.append((part.name, max(0, sizes[index] - size)))
    return packed


def _shortened(part: Part, room: int, count: Callable[[str], int]) -> tuple[str, int]:
    """As many lines of the part as fit in `room` tokens, and their tokens; ("", 0) where none do.

    The number of lines is doubled until it is too large and then narrowed down, so that a long text is never
    counted as a whole again.
    """
    lines = _LINE.findall(part.text) if part.shrink != "drop" and room > 0 else []
    fitting, failing = 0, len(lines)
    best = "", 0
    while failing - fitting > 1:
        number = min(2 * fitting or 1, (fitting + failing) // 2)
        text = "".join(_some(lines, part, number))
        size = count(text)
        if size <= room:
            fitting, best = number, (text, size)
        else:
            failing = number
    return best if best[0].strip() else ("", 0)


def _some(lines: list[str], part: Part, number: int) -> list[str]:
    """`number` of the lines, from the end of the text that the part wants to keep."""
    if part.shrink == "head":
        return lines[:number]
    if part.shrink == "tail":
        return lines[-number:]
    focus = part.focus or (len(lines) + 1) // 2
    start = min(max(0, focus - 1 - number // 2), len(lines) - number)
    return lines[start : start + number]


def _too_large(parts: Sequence[Part], needed: int, budget: int) -> ContextWindowExceededError:
    names = ", ".join(part.name for part in parts if part.required)
    return ContextWindowExceededError(
        f"The prompt needs {needed} tokens for {names} alone, and there is room for {budget}.",
        hint="Select fewer lines, or use a model with a larger context window.",
    )
