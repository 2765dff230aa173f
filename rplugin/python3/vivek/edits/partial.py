"""From a reply that has only what changed to the whole target.

A model that is shown a whole file, and asked for all of it, often answers with the one function that it changed. What
it left out it has not deleted. This puts the rest back; it does not indent, and leaves a reply alone where it defines
anything else or where it cannot tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from vivek.edits.imports import add_imports
from vivek.edits.indent import margin
from vivek.edits.items import Item, is_comment
from vivek.edits.python_items import items_of

_ASKS_FOR_LESS = re.compile(
    r"\b(?:remove|delete|drop|inline|merge|rename|replace|get rid|move|split|combine|unify|join|strip|only|clean"
    r"|dead|unused|instead of)\b",
    re.IGNORECASE,
)

_KINDS = ("definition", "value")


def completed(new: str, old: str, filetype: str, instruction: str = "") -> str:
    """The target `old` with what the reply `new` defines anew, where that is only a part of the target; else the reply.

    Examples of use beside it go; imports that it brings come to the others. instruction: what was asked; where it may
    mean that something go, the reply is the whole.
    """
    target, reply = items_of(old, filetype), items_of(new, filetype)
    if not target or not reply or margin(old.split("\n")) or margin(new.split("\n")):
        return new
    mine, its = _by_name(target), _by_name(reply)
    if mine is None or not its or _ASKS_FOR_LESS.search(instruction):
        return new
    defines = any(item.kind == "definition" for item in its.values())
    if (
        not defines
        or not its.keys() < mine.keys()
        or _kinds(its) - _kinds({name: mine[name] for name in its})
    ):
        return new
    lines, given = old.split("\n"), new.split("\n")
    for name in sorted(its, key=lambda name: -mine[name].first):
        lines[_start(mine[name], lines, its[name], given) : mine[name].last] = _lines(its[name], given)
    whole = "\n".join(lines)
    brought = ["\n".join(_lines(item, given)) for item in reply if item.kind == "import"]
    missing = [statement for statement in brought if statement not in old]
    return add_imports(whole, missing, filetype) if missing else whole


def _by_name(items: Sequence[Item]) -> dict[str, Item] | None:
    """What is defined, by its name; None where a name is there twice, or one item has several."""
    named = [item for item in items if item.kind in _KINDS]
    if any(len(item.names) != 1 for item in named):
        return None
    counted = Counter(item.names[0] for item in named)
    return None if any(count > 1 for count in counted.values()) else {item.names[0]: item for item in named}


def _kinds(items: dict[str, Item]) -> set[tuple[str, str]]:
    return {(name, item.kind) for name, item in items.items()}


def _lines(item: Item, lines: Sequence[str]) -> list[str]:
    return list(lines[item.first : item.last])


def _start(item: Item, lines: Sequence[str], other: Item, given: Sequence[str]) -> int:
    """The item's first line, below its comments where the other one has none: those it has not deleted either."""
    start = item.first
    if not is_comment(given[other.first]):
        while start < item.last and is_comment(lines[start]) and not lines[start].lstrip().startswith("@"):
            start += 1
    return start
