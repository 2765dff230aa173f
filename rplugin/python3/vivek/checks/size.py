"""Is it about as long as it should be: neither cut off, nor grown out of all proportion, nor repeating
itself."""

from __future__ import annotations

import re

from vivek.checks.edit import Check, Edit, failed, passed

NAME = "reasonable size"
WEIGHT = 0.2
REPEATS_WEIGHT = 0.5

_LONG_ENOUGH = 12
"""Lines of code below which a block may well shrink to nearly nothing."""

_ASKS_FOR_LESS = re.compile(
    r"\b(?:remov\w+|delet\w+|drop\w*|simplif\w+|short\w*|clean\w*|reduc\w+|replac\w+|refactor\w*|extract\w*|inline\w*"
    r"|merg\w+|dedup\w*|comprehension|one.?liner?|concise|compact|split\w*|move|use|using|less|fewer|strip|rewrite"
    r"|convert|collaps\w+|dataclass|stub|empty|only|comment out)\b",
    re.IGNORECASE,
)
_ASKS_FOR_MORE = re.compile(
    r"\b(?:add\w*|writ\w+|creat\w+|implement\w*|generat\w+|complet\w+|document\w*|docstrings?|comments?|tests?"
    r"|extend\w*|expand\w*|support\w*|handle|class|port|rewrite|unroll|table|list|all)\b",
    re.IGNORECASE,
)


def check_size(edit: Edit) -> Check:
    """Fails where far too little or far too much came back, or the same lines over and over."""
    old = [line.strip() for line in edit.old if line.strip()]
    new = [line.strip() for line in edit.new if line.strip()]
    if _repeats(new) and not _repeats(old):
        return failed(NAME, REPEATS_WEIGHT, "The code repeats the same lines over and over: write them once.")
    if len(old) >= _LONG_ENOUGH and len(new) * 3 < len(old) and not _ASKS_FOR_LESS.search(edit.instruction):
        return failed(
            NAME,
            WEIGHT,
            f"Most of the code is missing: {len(old)} lines became {len(new)}. Write it in full.",
        )
    if old and len(new) > 4 * len(old) + 40 and not _ASKS_FOR_MORE.search(edit.instruction):
        return failed(NAME, WEIGHT, f"{len(old)} lines became {len(new)}: write only what replaces the code.")
    return passed(NAME, WEIGHT)


def _repeats(lines: list[str]) -> bool:
    """Whether text runs in a loop: its last 30 lines are a few lines said again and again."""
    tail = [line for line in lines[-30:] if re.search(r"\w", line)]
    return len(tail) >= 24 and len(set(tail)) * 6 <= len(tail)
