"""Did the edit touch what it was not asked to: lines outside of its target, and other definitions of it.

Imports that the new code needs may come at the top. What is named is told by the instruction's own words; an
instruction that names no definition lets all of them change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivek.checks.definitions import Definition, definitions
from vivek.checks.edit import Check, Edit, failed, listed, passed

LINES = "keeps the rest of the file"
WEIGHT = 0.45
OTHERS = "changes what was asked"
OTHERS_WEIGHT = 0.2

_IMPORT = re.compile(
    r"\s*(?:import\b|from\b.*\bimport\b|#\s*include\b|use\b|using\b|package\b"
    r"|(?:local|const|let|var)\b.*\brequire\b|\"[^\"]*\"\s*$|[(){}\w\s,.*]*$)"
)
_ALL = re.compile(
    r"\b(?:all|every\w*|each|both|whole|entire|file|module|class|callers?|uses?|usages?|these|functions|methods"
    r"|throughout|rest|others?|helpers?)\b",
    re.IGNORECASE,
)


def check_lines(edit: Edit) -> Check:
    """Fails where lines outside of the target are gone or changed."""
    before, after = edit.before.split("\n"), edit.after.split("\n")
    head, tail = before[: edit.first - 1], before[edit.last :]
    now_head, now_tail = after[: edit.after_first - 1], after[edit.after_last :]
    gone = _missing(head, now_head) or _missing(now_head, head, _IMPORT)
    if not gone and _bare(tail) != _bare(now_tail):
        gone = next((old for old, new in zip(tail, now_tail, strict=False) if old != new), "the last lines")
    if gone:
        return failed(
            LINES, WEIGHT, f"`{gone.strip()[:80]}` stands outside of the code to change: leave it as it is."
        )
    return passed(LINES, WEIGHT)


def check_others(edit: Edit) -> Check:
    """Fails where the instruction names one definition of several and another one changed."""
    every = definitions(edit.before, edit.filetype)
    old = [each for each in every if edit.first <= each.row + 1 <= edit.last]
    named = {each.plain for each in old if _is_named(each.plain, edit.instruction)}
    if len(old) < 2 or not named or _ALL.search(edit.instruction):
        return passed(OTHERS, OTHERS_WEIGHT)
    new = [
        d for d in definitions(edit.after, edit.filetype) if edit.after_first <= d.row + 1 <= edit.after_last
    ]
    now = {each.key: _code(each, new, edit.after, edit.after_last) for each in new}
    changed = []
    for each in old:
        was, becomes = _code(each, old, edit.before, edit.last), now.get(each.key)
        about = (
            becomes is None
            or _mentions(each.plain, edit.instruction)
            or any(_mentions(name, was + becomes) for name in named)
        )
        if not about and was.split() != str(becomes).split():
            changed.append(".".join(each.key))
    if not changed:
        return passed(OTHERS, OTHERS_WEIGHT)
    it = "it as it was" if len(changed) == 1 else "them as they were"
    return failed(OTHERS, OTHERS_WEIGHT, f"{listed(changed)} was not to be changed: leave {it}.")


def _missing(lines: Sequence[str], there: Sequence[str], allowed: re.Pattern[str] | None = None) -> str:
    """The first line that is not in `there` in this order; "" where all are, or it is allowed to be new."""
    rest = iter(there)
    for line in lines:
        if not line.strip() or (allowed and allowed.match(line)):
            continue
        if line not in rest:
            return line
    return ""


def _is_named(name: str, instruction: str) -> bool:
    word = rf"(?<![\w.]){re.escape(name)}"
    if re.search(rf"`[\w.]*\b{re.escape(name)}(?:\(\))?`", instruction):
        return True
    return bool(re.search(rf"{word}\(\)" if "_" not in name else rf"{word}(?!\w)", instruction))


def _mentions(name: str, code: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code))


def _code(each: Definition, among: Sequence[Definition], text: str, last: int) -> str:
    """A definition's lines up to the next one's: a class's own are those above its first method."""
    end = min((other.row for other in among if other.row > each.row), default=last)
    return "\n".join(text.split("\n")[each.row : end])


def _bare(lines: Sequence[str]) -> list[str]:
    """Lines without the empty ones at either end."""
    return "\n".join(lines).strip("\n").split("\n")
