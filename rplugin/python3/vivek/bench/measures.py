"""What a change did beside its task: definitions that are gone, and lines that were not its business.

It compares texts, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivek.bench.task import Task
from vivek.checks.asked import may_lose
from vivek.checks.definitions import definitions
from vivek.context.blocks import Block, blocks
from vivek.edits.diff import text_edits


def lost_symbols(task: Task, code: str) -> int:
    """How many definitions are gone that should have stayed: those that the reference has, and without one those
    whose loss the instruction does not ask for."""
    before = {each.key for each in definitions(task.before, task.language)}
    gone = before - {each.key for each in definitions(code, task.language)}
    if task.after:
        return len(gone & {each.key for each in definitions(task.after, task.language)})
    return sum(not may_lose(task.instruction, key[-1], alone=len(before) == 1, used=False) for key in gone)


def _entry(name: str, found: Sequence[Block]) -> Block | None:
    """The definition of a name, which may be qualified: ``Cart.add``, ``M.normalize``."""
    *owners, last = re.split(r"[.:]", name)
    same = [block for block in found if block.name == last]
    owned = [
        block
        for block in same
        if any(other.name in owners and other.holds(block.first, block.last) for other in found)
    ]
    return next(iter(owned or same), None)


def changed_outside(task: Task, code: str) -> int | None:
    """How many lines were removed, changed or added outside the definition that the task is about.

    None where the task is about the whole file. An addition just before or after the definition counts as inside.
    """
    found = blocks(task.before, task.language) if task.entry else []
    target = _entry(task.entry, found)
    if target is None:
        return None
    inside = range(target.first, target.last + 1)
    outside = 0
    for edit in text_edits(_ended(task.before), _ended(code)):
        first, last = edit["range"]["start"]["line"] + 1, edit["range"]["end"]["line"]
        added = edit["newText"].count("\n")
        removed = last - first + 1
        strange = sum(line not in inside for line in range(first, last + 1))
        if not removed:
            outside += 0 if target.first <= first <= target.last + 1 else added
        else:
            outside += strange if strange < removed else max(removed, added)
    return outside


def unchanged(task: Task, code: str) -> bool:
    """Whether the code is what it was."""
    return code.rstrip() == task.before.rstrip()


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
