"""Which lines an ask is about.

A selection is the target as it is. Without one it is the class that a new method goes into, the function under the
cursor, then the definition that the instruction names, then the whole file where it is small. It reads text only;
nothing here asks a model.
"""

from __future__ import annotations

import re

from vivek.agent.fault import wants_repair
from vivek.agent.method import class_for_method
from vivek.agent.mode import mode_of
from vivek.agent.state import Target
from vivek.context.blocks import Block, block_at, blocks
from vivek.errors import RequestError
from vivek.request import AskRequest, line_count

WHOLE_FILE_LINES = 150
"""A file up to this many lines can be the target as a whole: about 1,500 tokens, a quarter of an 8K window."""


def find_target(request: AskRequest) -> Target:
    """The target of an ask.

    Raises RequestError where nothing is selected, no function is under the cursor, none is named, and the file is too
    long to be rewritten whole.
    """
    if request.first is not None and request.last is not None:
        return {"first": request.first, "last": request.last, "name": ""}
    block = class_for_method(request) or _under_cursor(request) or _named(request)
    if block is not None:
        return {"first": block.first, "last": block.last, "name": block.name}
    lines = line_count(request.text)
    if lines > WHOLE_FILE_LINES:
        where = (
            "There is no function under the cursor" if request.cursor else "The instruction names no function"
        )
        raise RequestError(
            f"{where}, and the file has {lines} lines, too many to rewrite at once.",
            hint="Select the lines to work on, or name the function in the instruction.",
        )
    return {"first": 1, "last": lines, "name": ""}


def insertion_point(request: AskRequest) -> Target:
    """Where new code goes: in place of blank selected lines, else after the top-level definition at the cursor,
    else at the cursor's line, else at the end of the file."""
    lines = request.text.split("\n")
    end = line_count(request.text)
    if request.first is not None and request.last is not None:
        if not "".join(lines[request.first - 1 : request.last]).strip():
            return {"first": request.first, "last": request.last, "name": ""}
        return {"first": request.last + 1, "last": request.last, "name": ""}
    if request.cursor is None or end == 0:
        return {"first": end + 1, "last": end, "name": ""}
    cursor = min(request.cursor, end)
    around = [
        block for block in blocks(request.text, request.filetype) if block.first <= cursor <= block.last
    ]
    if around:
        after = max(around, key=lambda block: block.last - block.first).last
        return {"first": after + 1, "last": after, "name": ""}
    if not lines[cursor - 1].strip():
        return {"first": cursor, "last": cursor, "name": ""}
    return {"first": cursor + 1, "last": cursor, "name": ""}


def _under_cursor(request: AskRequest) -> Block | None:
    if request.cursor is None:
        return None
    return block_at(request.text, request.filetype, request.cursor)


def _named(request: AskRequest) -> Block | None:
    """The definition whose name stands in the instruction; the last named part of a dotted name counts.

    Only a name that cannot be an ordinary word of the sentence counts: one in backticks, followed by ``(`` or called a
    function, one with an underscore or a capital inside. A whole small file is a better guess than a wrong function,
    but where a fault is to be mended in just one of its functions: a small model mends a short block more often. So it
    is with tests, where any name counts: "test shipping" means the function.
    """
    every = blocks(request.text, request.filetype)
    tests = mode_of(request) == "sdet"
    means = _has_word if tests else mentions
    found = [block for block in every if block.name and means(request.instruction, block.name)]
    if request.cursor is None and line_count(request.text) <= WHOLE_FILE_LINES:
        one_of_several = len(found) == 1 and any(not _overlap(found[0], block) for block in every)
        return found[0] if one_of_several and (tests or wants_repair(request.instruction)) else None
    return max(found, key=lambda block: len(block.name), default=None)


def _overlap(one: Block, other: Block) -> bool:
    return one.first <= other.last and other.first <= one.last


def _has_word(words: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name.rsplit('.', 1)[-1])}(?!\w)", words) is not None


def mentions(words: str, name: str) -> bool:
    """Whether words mean a definition's name: it cannot be an ordinary word of theirs."""
    short = re.escape(name.rsplit(".", 1)[-1])
    if re.search(rf"`(?:[\w.]+\.)?{short}(?:\(\))?`|(?<!\w){short}\(", words):
        return True
    kind = r"(?:function|method|class)"
    if re.search(rf"\b{kind}\s+{short}(?!\w)|(?<!\w){short}\s+{kind}\b", words):
        return True
    distinct = "_" in name.strip("_") or re.search(r"[a-z][A-Z]", name)
    return bool(distinct and re.search(rf"(?<!\w){short}(?!\w)", words))
