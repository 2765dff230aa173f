"""From an old and a new text to LSP text edits, one for each hunk, and back again.

Lines are separated by "\\n" alone; "\\r" is content like any other. It reads and writes no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from vivek.edits.matching import Run, runs


class Position(TypedDict):
    """A place in a text: 0-based line, and 0-based UTF-16 code unit within it."""

    line: int
    character: int


class Range(TypedDict):
    """What lies between two positions, the end not included."""

    start: Position
    end: Position


class TextEdit(TypedDict):
    """The LSP shape: put `newText` where `range` is."""

    range: Range
    newText: str


class Hunk(NamedTuple):
    """Lines old[old_first:old_last] become new[new_first:new_last] (0-based, half open)."""

    old_first: int
    old_last: int
    new_first: int
    new_last: int


def text_edits(old: str, new: str) -> list[TextEdit]:
    """One edit a hunk, in document order, none touching another: at least one unchanged line lies between.

    Every edit replaces whole lines, so `character` is 0, but at the end of an old text without a final
    newline: there the end is the last line's length, and an append starts there too, its `newText` beginning
    with "\\n". `apply(old, text_edits(old, new)) == new` for any two strings.
    """
    before, after = _Lines(old), _Lines(new)
    bare_end = bool(before.texts) and not before.ends and not after.ends
    hunks = _hunks(before.keys(bare_end), after.keys(bare_end))
    if bare_end and hunks:
        hunks = _with_a_line_before_a_cut_tail(hunks, len(before.texts))
    return [_edit(hunk, before, after) for hunk in hunks]


def apply(text: str, edits: Iterable[TextEdit]) -> str:
    """The text after any LSP edits, all of whose positions are in the text as it is given.

    Positions past a line's or the text's end mean that end. Insertions at one place keep their order. Raises
    ValueError where two edits overlap.
    """
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    spans = [
        (_offset(lines, starts, e["range"]["start"]), _offset(lines, starts, e["range"]["end"]), e["newText"])
        for e in edits
    ]
    pieces, at = [], 0
    for first, last, put in sorted(spans, key=lambda span: span[:2]):
        if first < at or last < first:
            raise ValueError("text edits overlap")
        pieces += [text[at:first], put]
        at = last
    return "".join([*pieces, text[at:]])


def unified(old: str, new: str, path: str) -> str:
    """The change as a unified diff with three lines of context, as `git apply` reads it; "" for none."""
    before, after = _Lines(old), _Lines(new)
    hunks = _hunks(before.whole, after.whole)
    if not hunks:
        return ""
    body = "".join(_section(group, before, after) for group in _grouped(hunks, context=3))
    return f"--- a/{path}\n+++ b/{path}\n{body}"


class _Lines:
    """A text as lines, `texts` without and `whole` with their newline. ends: the last one has its own."""

    def __init__(self, text: str) -> None:
        self.ends = not text or text.endswith("\n")
        self.texts = text.split("\n")
        if self.ends:
            self.texts.pop()
        self.whole = [f"{line}\n" for line in self.texts]
        if not self.ends:
            self.whole[-1] = self.texts[-1]

    def keys(self, bare_end: bool) -> list[str]:
        """What is compared. bare_end: neither text has its last newline, so that it makes no difference."""
        return self.texts if bare_end else self.whole


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[Hunk]:
    hunks: list[Hunk] = []
    i = j = 0
    for run in [*runs(old, new), Run(len(old), len(new), 0)]:
        if i < run.old or j < run.new:
            hunks.append(Hunk(i, run.old, j, run.new))
        i, j = run.old + run.size, run.new + run.size
    for k, hunk in enumerate(hunks):
        above = hunk.old_first - hunks[k - 1].old_last - 1 if k else hunk.old_first
        below = (hunks[k + 1].old_first - 1 if k + 1 < len(hunks) else len(old)) - hunk.old_last
        if hunk.old_first == hunk.old_last:
            hunks[k] = _moved(hunk, _best_shift(new, hunk.new_first, hunk.new_last, above, below))
        elif hunk.new_first == hunk.new_last:
            hunks[k] = _moved(hunk, _best_shift(old, hunk.old_first, hunk.old_last, above, below))
    return hunks


def _moved(hunk: Hunk, shift: int) -> Hunk:
    return Hunk(*(edge + shift for edge in hunk))


def _best_shift(lines: Sequence[str], first: int, last: int, above: int, below: int) -> int:
    """How far down (up where negative) lines[first:last] reads best, of all places that mean the same.

    Lines that are only added or only removed can often be named in several ways (the blank line before a
    function, or the one after it); the best begins at the outermost text. above, below: how many unchanged
    lines may be passed, so that the hunk touches no other.
    """
    up = down = 0
    while up < above and lines[first - up - 1] == lines[last - up - 1]:
        up += 1
    while down < below and lines[first + down] == lines[last + down]:
        down += 1
    return min(range(-up, down + 1), key=lambda shift: (_indentation(lines[first + shift]), -shift))


def _indentation(line: str) -> float:
    text = line.lstrip(" \t")
    return len(line) - len(text) if text.strip() else float("inf")


def _with_a_line_before_a_cut_tail(hunks: list[Hunk], size: int) -> list[Hunk]:
    """Where the last lines go and neither text ends in a newline, the line before gives up its own.

    So the hunk takes that line along, unchanged, and whatever hunk ends at that line.
    """
    last = hunks[-1]
    if not (last.old_last == size and last.new_first == last.new_last and last.old_first > 0):
        return hunks
    wider = Hunk(last.old_first - 1, last.old_last, last.new_first - 1, last.new_last)
    if len(hunks) > 1 and hunks[-2].old_last == wider.old_first:
        return [*hunks[:-2], Hunk(hunks[-2].old_first, wider.old_last, hunks[-2].new_first, wider.new_last)]
    return [*hunks[:-1], wider]


def _edit(hunk: Hunk, before: _Lines, after: _Lines) -> TextEdit:
    put = "".join(after.whole[hunk.new_first : hunk.new_last])
    start: Position = {"line": hunk.old_first, "character": 0}
    end: Position = {"line": hunk.old_last, "character": 0}
    if hunk.old_last == len(before.texts) and not before.ends:
        end = {"line": hunk.old_last - 1, "character": utf16_length(before.texts[-1])}
        if hunk.old_first == hunk.old_last:
            start, put = end.copy(), f"\n{put}"
    return {"range": {"start": start, "end": end}, "newText": put}


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as LSP counts columns; a lone surrogate is one."""
    return len(text) + sum(char > "\uffff" for char in text)


def _offset(lines: list[str], starts: list[int], position: Position) -> int:
    if position["line"] >= len(lines):
        return starts[-1] - 1
    line, units = lines[position["line"]], position["character"]
    if line.isascii():
        return starts[position["line"]] + min(units, len(line))
    count = 0
    while count < len(line) and units >= (width := 2 if line[count] > "\uffff" else 1):
        units -= width
        count += 1
    return starts[position["line"]] + count


def _grouped(hunks: list[Hunk], context: int) -> list[list[Hunk]]:
    groups: list[list[Hunk]] = []
    for hunk in hunks:
        if groups and hunk.old_first - groups[-1][-1].old_last <= 2 * context:
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    return groups


def _section(group: list[Hunk], before: _Lines, after: _Lines, context: int = 3) -> str:
    lead = min(context, group[0].old_first)
    first, new_first = group[0].old_first - lead, group[0].new_first - lead
    tail = min(context, len(before.whole) - group[-1].old_last)
    last, new_last = group[-1].old_last + tail, group[-1].new_last + tail
    body, at = [], first
    for hunk in group:
        body += [_marked(" ", line) for line in before.whole[at : hunk.old_first]]
        body += [_marked("-", line) for line in before.whole[hunk.old_first : hunk.old_last]]
        body += [_marked("+", line) for line in after.whole[hunk.new_first : hunk.new_last]]
        at = hunk.old_last
    body += [_marked(" ", line) for line in before.whole[at:last]]
    return f"@@ -{_span(first, last)} +{_span(new_first, new_last)} @@\n" + "".join(body)


def _span(first: int, last: int) -> str:
    count = last - first
    start = first + 1 if count else first
    return str(start) if count == 1 else f"{start},{count}"


def _marked(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
