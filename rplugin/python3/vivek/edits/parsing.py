"""From a reply in Python that does not parse to what of it does: what spoils it stands around the target, and goes."""

from __future__ import annotations

from collections.abc import Collection

from vivek.edits.indent import indentation, is_blank, text_line
from vivek.edits.items import items_by_lines
from vivek.edits.python_imports import leading
from vivek.edits.python_source import tree
from vivek.edits.strings import interior_lines


def parsing(new: str, wanted: Collection[str]) -> str:
    """The reply so that it parses, or as it is where that cannot be. wanted: the names that the target defines."""
    return _alone(_levelled(new), wanted)


def _levelled(new: str) -> str:
    """Python that mixes an indented block with flush lines, made one block: imports in front go in, what
    follows goes.

    So a method that kept its indentation is found between ``import math`` and an example of its use.
    """
    if tree(new) is not None:
        return new
    lines = new.split("\n")
    spans = leading(new)
    start = spans[-1][1] if spans else 0
    place = text_line(lines[start:])
    depth = indentation(lines[start + place]) if place is not None else ""
    if place is None or not depth:
        return new
    inside = interior_lines(new, "python")
    rows = range(start + place, len(lines))
    end = next((k for k in rows if k not in inside and _is_left_of(lines[k], depth)), len(lines))
    imports = [depth + line if line.strip() else line for line in lines[:start]]
    level = "\n".join([*imports, *lines[start:end]]).rstrip("\n") + "\n"
    return new if tree(level) is None else level


def _alone(new: str, wanted: Collection[str]) -> str:
    """Of Python that does not parse, the one definition that is wanted, where that does: what is around it goes.

    Models repeat the signatures that they were shown, without a colon, as if they were definitions.
    """
    if len(wanted) != 1 or tree(new) is not None:
        return new
    lines = new.split("\n")
    items = items_by_lines(new, "python")
    alone = ["\n".join(lines[item.first : item.last]) + "\n" for item in items if wanted == set(item.names)]
    return alone[0] if len(alone) == 1 and tree(alone[0]) is not None else new


def _is_left_of(line: str, depth: str) -> bool:
    return not is_blank(line) and not line.startswith(depth)
