"""The code around a target, as parts for the packer: what the model reads but must not rewrite.

A method sees its class in outline, a few lines see the function they stand in, new code sees its neighbours. Pure text.
"""

from __future__ import annotations

from vivek.agent.state import Route, Target
from vivek.context.blocks import Block, blocks, enclosing, imports
from vivek.context.packer import Part
from vivek.request import split_lines

NEIGHBOUR_LINES = 25
"""Lines on each side of a place for new code, or of a target that stands in no definition."""

SHORT_LINES = 20
"""A class's ``__init__`` up to this long is shown whole, since it names the attributes."""


def surroundings(text: str, filetype: str, target: Target, route: Route) -> list[Part]:
    """Parts in reading order: imports, the enclosing class in outline, the lines above, the lines below."""
    lines = split_lines(text)
    if target["first"] <= 1 and target["last"] >= len(lines):
        return []
    parts = [Part("Imports", imports(text, filetype), 4, False, "head")]
    holder = enclosing(text, filetype, target["first"], max(target["first"], target["last"]))
    if holder is not None and holder.kind == "class":
        parts.append(Part(f"Class {holder.name}", _outline(text, filetype, holder, target), 3, False, "head"))
    else:
        above, below = _neighbours(lines, target, holder, route)
        parts.append(Part("Code above, for reference", above, 3, False, "tail"))
        parts.append(Part("Code below, for reference", below, 5, False, "head"))
    return [part for part in parts if part.text.strip()]


def outline(text: str, filetype: str, target: Target) -> list[Part]:
    """The definitions of a file, a line each with its lines, for who plans beyond the target."""
    lines = split_lines(text)
    if target["first"] <= 1 and target["last"] >= len(lines):
        return []
    told = [
        f"{_signature(lines[block.first - 1 : block.last]).rstrip()}  lines {block.first} to {block.last}\n"
        for block in blocks(text, filetype)
        if block.name
    ]
    return [Part("Outline of the file", "".join(told), 3, False, "head")] if told else []


def _neighbours(lines: list[str], target: Target, holder: Block | None, route: Route) -> tuple[str, str]:
    """Lines before and after the target. A whole definition needs none: its signatures say more."""
    if holder is None and target["name"] and route != "insert":
        return "", ""
    start, end = (holder.first, holder.last) if holder else (1, len(lines))
    start = max(start, target["first"] - NEIGHBOUR_LINES)
    end = min(end, target["last"] + NEIGHBOUR_LINES)
    return "".join(lines[start - 1 : target["first"] - 1]), "".join(lines[target["last"] : end])


def _outline(text: str, filetype: str, holder: Block, target: Target) -> str:
    """A class without its bodies: its head, and one line a method; a short ``__init__`` in full."""
    lines = split_lines(text)
    inner = [
        block
        for block in blocks(text, filetype)
        if holder.first <= block.first and block.last <= holder.last and block != holder
    ]
    head_end = min([block.first for block in inner] + [target["first"], holder.last + 1]) - 1
    shown = lines[holder.first - 1 : head_end]
    for block in inner:
        if block.first <= target["first"] and target["last"] <= block.last:
            continue
        body = lines[block.first - 1 : block.last]
        short = block.name.endswith("__init__") and len(body) <= SHORT_LINES
        shown += body if short else [_signature(body)]
    return "".join(shown)


def _signature(body: list[str]) -> str:
    """A definition's first line that is no decorator, its body left out."""
    line = next((line for line in body if not line.lstrip().startswith(("@", "#"))), body[0]).rstrip()
    return f"{line} ...\n"
