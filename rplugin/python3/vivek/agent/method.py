"""Which class a new method goes into: the one at the cursor, or the one that the instruction names.

A method alone has no place at the end of a file; a small class is rewritten with it. It reads text only.
"""

from __future__ import annotations

import re

from vivek.agent.route import wants_new_code
from vivek.context.blocks import Block, blocks
from vivek.request import AskRequest

CLASS_LINES = 150
"""A class up to this many lines can be rewritten as a whole: what holds for a file."""

_APART = frozenset({"go", "rust", "c", "cpp", "lua"})
"""Languages whose methods stand beside the type, or whose classes only declare them."""

_METHOD = re.compile(r"\b(?:method|property|constructor|getter|setter)\b", re.IGNORECASE)


def class_for_method(request: AskRequest) -> Block | None:
    """The class to rewrite with a new method in it; None where no method is asked for, no class is meant, or it is too
    long."""
    if request.first is not None or request.filetype in _APART or not _METHOD.search(request.instruction):
        return None
    if not wants_new_code(request.instruction):
        return None
    classes = [block for block in blocks(request.text, request.filetype) if block.kind == "class"]
    named = [block for block in classes if re.search(rf"\b{re.escape(block.name)}\b", request.instruction)]
    cursor = request.cursor
    around = [block for block in classes if cursor is not None and block.holds(cursor, cursor)]
    found = min(named or around, key=lambda block: block.last - block.first, default=None)
    return found if found and found.last - found.first < CLASS_LINES else None
