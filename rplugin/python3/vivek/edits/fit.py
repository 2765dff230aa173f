"""From the code that a model wrote to lines that fit where they go.

A model sees text without line endings and strange bytes, and gives back code at whatever indentation. This
puts all that right again, so that a line which the model did not change is the very line that was there. It
reads no syntax but strings that span lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vivek.edits.indent import (
    DEFAULT_STEP,
    dedented,
    indentation,
    is_blank,
    margin,
    step,
    uses_tabs,
    with_spaces,
    with_tabs,
)
from vivek.edits.matching import runs
from vivek.edits.narrow import narrow
from vivek.edits.strings import interior_lines, interiors

__all__ = ["fit", "narrow", "presentable"]

_STAND_INS = {"\0": "\u2400"}
_BAD_BYTE = "\ufffd"
_STOOD_IN = re.compile(f"[{_BAD_BYTE}\u2400]")
_HIDDEN = re.compile("[\0\ud800-\udfff]")
_OPENS_A_BLOCK = re.compile(r"(?:[:{(\[]|\b(?:then|do|else|try|repeat)|=>)\s*(?:#.*|//.*|--.*)?$")


def presentable(text: str) -> str:
    """The text as a model may see it: no "\\r" at line ends, U+FFFD for a lone surrogate, U+2400 for a
    NUL."""
    shown = re.sub(r"\r+(?=\n|\Z)", "", text)
    return _HIDDEN.sub(lambda match: _STAND_INS.get(match[0], _BAD_BYTE), shown)


def fit(new: str, old: str, filetype: str = "", *, around: str = "") -> str:
    """The code `new` as whole lines that can stand in the place of the lines `old`.

    It gets old's indentation (tabs or spaces as old has them), old's blank lines at the ends and none of its
    own, old's line ends and its final newline or the lack of one. A line that equals what the model was shown
    (`presentable`) comes back as it was, byte for byte. Nothing but blank lines becomes "". around: the text
    whose tabs and line ends count where old is blank; there the code keeps its own indentation.
    """
    lines = _trimmed(new.replace("\r\n", "\n").split("\n"))
    if not lines:
        return ""
    habits = _Habits.of(old if old.strip() else around)
    lines = habits.indented(lines, filetype)
    if old.strip():
        lines = _placed(lines, habits.lines, filetype)
    # Where the last line has no newline its "\r" is missing too: it counts as there, until the very end.
    lacking = "\r" if habits.returns and not old.endswith(("\r", "\n")) and old else ""
    above, below = _blank_ends(old + lacking)
    whole = "\n".join([*above, *_restored(lines, _trimmed((old + lacking).split("\n")), habits), *below])
    return whole + "\n" if old.endswith("\n") or not old else whole.removesuffix(lacking)


@dataclass(frozen=True)
class _Habits:
    """How a text is written. lines: it without the blank lines at its ends, as a model sees it.

    tabs: None where nothing is indented. returns: most of its lines end in "\\r".
    """

    lines: list[str]
    tabs: bool | None
    columns: int
    returns: bool

    @classmethod
    def of(cls, text: str) -> _Habits:
        ended = text.split("\n")[:-1] or [text]
        shown = presentable(text).split("\n")
        returns = sum(line.endswith("\r") for line in ended) * 2 > len(ended)
        return cls(_trimmed(shown), uses_tabs(shown), step(shown), returns)

    def indented(self, lines: list[str], filetype: str) -> list[str]:
        """The lines with tabs where this text has tabs, with spaces where it has spaces; in strings too."""
        theirs = uses_tabs(lines)
        if theirs is None or self.tabs is None or theirs == self.tabs:
            return lines
        known = set(self.lines)
        inside = interior_lines("\n".join(lines), filetype)
        columns = step(dedented(lines, margin(lines, inside))) if self.tabs else self.columns
        change = with_tabs if self.tabs else with_spaces
        return [
            line if k in inside and line in known else change(line, columns or DEFAULT_STEP)
            for k, line in enumerate(lines)
        ]


def _trimmed(lines: Sequence[str]) -> list[str]:
    kept = [k for k, line in enumerate(lines) if not is_blank(line)]
    return list(lines[kept[0] : kept[-1] + 1]) if kept else []


def _blank_ends(old: str) -> tuple[list[str], list[str]]:
    """The blank lines at the start and at the end of a block that is not all blank."""
    lines = old[:-1].split("\n") if old.endswith("\n") else old.split("\n")
    kept = [k for k, line in enumerate(lines) if not is_blank(line)]
    return (lines[: kept[0]], lines[kept[-1] + 1 :]) if kept else ([], [])


def _placed(lines: list[str], old: list[str], filetype: str) -> list[str]:
    """The lines at old's indentation."""
    inside = interior_lines("\n".join(lines), filetype)
    old_inside = interior_lines("\n".join(old), filetype)
    base, first = margin(old, old_inside), indentation(old[0])
    rest, old_rest = _margin_of_rest(lines, inside), _margin_of_rest(old, old_inside)
    if _lost_its_first_indentation(lines, rest, old_rest, first):
        return [first + lines[0].lstrip(" \t"), *lines[1:]]
    mine = margin(lines, inside)
    if indentation(lines[0]) == mine and first == base:
        return _shifted(lines, mine, base, old, filetype)
    theirs, ours = _anchored(lines, old, inside) or (indentation(lines[0]), first)
    return _shifted(lines, theirs, ours, old, filetype)


def _margin_of_rest(lines: Sequence[str], inside: Collection[int]) -> str | None:
    """The margin of all lines but the first; None where there are none to tell."""
    rest = [line for k, line in enumerate(lines) if k and k not in inside and not is_blank(line)]
    return margin(rest) if rest else None


def _lost_its_first_indentation(lines: list[str], rest: str | None, old_rest: str | None, first: str) -> bool:
    """Whether only the first line came without its indentation, as when a model begins right with the
    code."""
    if not rest or rest != old_rest or indentation(lines[0]) == first:
        return False
    return len(first) < len(rest) or not _OPENS_A_BLOCK.search(lines[0])


def _anchored(lines: Sequence[str], old: Sequence[str], inside: Collection[int]) -> tuple[str, str] | None:
    """Indentation there and here of the first line that both have, whatever its indentation."""
    places = {line.strip(): indentation(line) for line in reversed(old) if line.strip()}
    for k, line in enumerate(lines):
        if k not in inside and line.strip() in places and re.search(r"\w", line):
            return indentation(line), places[line.strip()]
    return None


def _shifted(lines: list[str], mine: str, base: str, old: list[str], filetype: str) -> list[str]:
    """The lines at `base` instead of `mine`; what a string has unchanged stays where it was."""
    if mine == base:
        return lines
    moved = [_moved(line, mine, base) for line in lines]
    known = set(old)
    for inside in interiors("\n".join(lines), filetype):
        rows = [k for k in inside if k < len(lines) and not is_blank(lines[k])]
        if any(lines[k] in known and moved[k] not in known for k in rows):
            for k in rows:
                moved[k] = lines[k]
    return moved


def _moved(line: str, mine: str, base: str) -> str:
    """One line moved; where it lies left of `mine`, it moves as far as its own white space allows."""
    if not line:
        return line
    if line.startswith(mine):
        return base + line[len(mine) :]
    if base.startswith(mine):
        return base[len(mine) :] + line
    surplus = mine[len(base) :] if mine.startswith(base) else mine
    return dedented([line], surplus)[0]


def _restored(lines: list[str], old: list[str], habits: _Habits) -> list[str]:
    """The lines with what a model was not shown: line ends, and bytes that are not text."""
    end = "\r" if habits.returns else ""
    result = [line + end for line in lines]
    if not old or (habits.lines == old and not end):
        return result
    i = j = 0
    for run in runs(habits.lines, lines):
        _put_back(result, lines, old[i : run.old], range(j, run.new), end)
        result[run.new : run.new + run.size] = old[run.old : run.old + run.size]
        i, j = run.old + run.size, run.new + run.size
    _put_back(result, lines, old[i:], range(j, len(lines)), end)
    return result


def _put_back(result: list[str], lines: list[str], old: Sequence[str], rows: range, end: str) -> None:
    """In changed lines, the strange bytes for their stand-ins, where it is plain which is which."""
    hidden = [char for line in old for char in _HIDDEN.findall(line)]
    if not hidden or sum(len(_STOOD_IN.findall(lines[k])) for k in rows) != len(hidden):
        return
    pending = iter(hidden)
    for k in rows:
        result[k] = _STOOD_IN.sub(lambda _: next(pending), lines[k]) + end
