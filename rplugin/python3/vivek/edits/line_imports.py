"""Imports in languages where a statement can be told by how its lines begin and end.

It reads no syntax: what does not look exactly like an import is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vivek.edits.indent import is_blank


@dataclass(frozen=True)
class Style:
    """How a language writes imports.

    statement: a whole import on one line. opening, closing: the first and the last line of one that spans
    lines. header: lines that must stay above all imports. part: where several lines make one group (Go), the
    line of one import within the group, rewritten from a statement.
    """

    statement: re.Pattern[str]
    header: re.Pattern[str]
    opening: re.Pattern[str] | None = None
    closing: re.Pattern[str] | None = None
    grouped: bool = False


_LINE_COMMENT = r"\s*(?://|/\*|\*)"
_SCRIPT = Style(
    statement=re.compile(r"import\s+(?:[\w*{][^;'\"]*\s+from\s+)?['\"][^'\"]+['\"]\s*;?\s*$"),
    opening=re.compile(r"import\s+(?:type\s+)?(?:\w+\s*,\s*)?\{[^}'\"]*$"),
    closing=re.compile(r"[^'\"]*\}\s*from\s+['\"][^'\"]+['\"]\s*;?\s*$"),
    header=re.compile(rf"#!|['\"]use \w+['\"];?\s*$|{_LINE_COMMENT}"),
)
_C = Style(
    statement=re.compile(r"#\s*include\s*[<\"][^>\"]+[>\"]\s*(?://.*)?$"),
    header=re.compile(rf"#\s*pragma once|#\s*ifndef\s+\w+_H\w*|#\s*define\s+\w+_H\w*\s*$|{_LINE_COMMENT}"),
)

STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "javascript": _SCRIPT,
        "javascriptreact": _SCRIPT,
        "typescript": _SCRIPT,
        "typescriptreact": _SCRIPT,
        "c": _C,
        "cpp": _C,
        "go": Style(
            statement=re.compile(r"import\s+(?:[\w.]+\s+)?\"[^\"]+\"\s*$"),
            opening=re.compile(r"import\s*\(\s*$"),
            closing=re.compile(r"\)\s*$"),
            header=re.compile(rf"package\s+\w+|{_LINE_COMMENT}"),
            grouped=True,
        ),
        "java": Style(
            statement=re.compile(r"import\s+(?:static\s+)?[\w.]+(?:\.\*)?\s*;\s*$"),
            header=re.compile(rf"package\s+[\w.]+\s*;|{_LINE_COMMENT}"),
        ),
        "lua": Style(
            statement=re.compile(r"local\s+\w+\s*=\s*require\s*\(?\s*['\"][^'\"]+['\"]\s*\)?\s*;?\s*$"),
            header=re.compile(r"#!|--"),
        ),
        "rust": Style(
            statement=re.compile(r"use\s+[\w:]+(?:::(?:\*|\{[^{}]*\}))?(?:\s+as\s+\w+)?\s*;\s*$"),
            header=re.compile(r"#!\[|//!|//|/\*|\s\*"),
        ),
    }
)
"""Neovim filetype -> how imports are written there."""


def leading(block: str, style: Style) -> list[tuple[int, int]]:
    """The lines of each import that the block begins with (0-based, half open); none where the block is
    indented."""
    lines = block.split("\n")
    found: list[tuple[int, int]] = []
    k = 0
    while k < len(lines):
        end = _end(lines, k, style)
        if end is None and not is_blank(lines[k]):
            break
        found += [(k, end)] if end else []
        k = end or k + 1
    return found


def add(text: str, statements: Sequence[str], style: Style) -> str:
    """The text with the statements that it lacks, after its last import, else after its header."""
    lines = text.split("\n")
    present = _present(lines, style)
    wanted = [part for statement in statements for part in _parts(statement, style)]
    missing = list(dict.fromkeys(part for part in wanted if _plain(part) not in present))
    if not missing:
        return text
    end = "\r" if sum(line.endswith("\r") for line in lines[:-1]) * 2 > len(lines[:-1]) else ""
    at, put = _place(lines, missing, style)
    return "\n".join([*lines[:at], *(line + end for row in put for line in row.split("\n")), *lines[at:]])


def _end(lines: Sequence[str], k: int, style: Style) -> int | None:
    """Where the import that starts at line `k` ends; None where none starts there."""
    line = lines[k].rstrip("\r")
    if style.statement.match(line):
        return k + 1
    if style.opening is None or style.closing is None or not style.opening.match(line):
        return None
    for n in range(k + 1, len(lines)):
        if style.closing.match(lines[n].rstrip("\r")):
            return n + 1
    return None


def _plain(statement: str) -> str:
    """A statement for comparison: no difference of quotes, spaces and semicolons."""
    return re.sub(r"[\s;()]+", "", statement).replace("'", '"').replace(",}", "}")


def _parts(statement: str, style: Style) -> list[str]:
    """The statements that one stands for: a group of Go's is as many as it has lines."""
    if not (style.grouped and "(" in statement):
        return [statement]
    return [f"import {line.strip()}" for line in statement.split("\n")[1:-1] if line.strip()]


def _present(lines: Sequence[str], style: Style) -> set[str]:
    spans = [(k, end) for k in range(len(lines)) if (end := _end(lines, k, style))]
    found = ["\n".join(lines[first:end]) for first, end in spans]
    return {_plain(part) for statement in found for part in _parts(statement, style)}


def _place(lines: Sequence[str], missing: Sequence[str], style: Style) -> tuple[int, list[str]]:
    """Where the missing imports go, and the lines that go there, blank ones included."""
    after, last = _header_end(lines, style), None
    k = after
    while k < len(lines):
        end = _end(lines, k, style)
        if end is None and not is_blank(lines[k]) and not style.header.match(lines[k]):
            break
        last = (k, end) if end else last
        k = end or k + 1
    if last is None:
        below = after < len(lines) and not is_blank(lines[after])
        above = after > 0 and not is_blank(lines[after - 1])
        return after, [*([""] if above else []), *missing, *([""] if below else [])]
    if style.grouped and last[1] - last[0] > 1:
        return last[1] - 1, ["\t" + statement.removeprefix("import ") for statement in missing]
    return last[1], list(missing)


def _header_end(lines: Sequence[str], style: Style) -> int:
    """After the lines that must stay on top; a comment right above code belongs to the code."""
    end = k = 0
    while k < len(lines) and (is_blank(lines[k]) or style.header.match(lines[k])):
        comment = re.match(r"\s*(?://|/\*|\*|--)", lines[k])
        if not is_blank(lines[k]) and (not comment or _stands_alone(lines, k, style)):
            end = k + 1
        k += 1
    return end


def _stands_alone(lines: Sequence[str], k: int, style: Style) -> bool:
    """Whether the comment at line `k` is followed by a blank line or by what is no code, not by the code it
    is on."""
    while k < len(lines) and not is_blank(lines[k]) and style.header.match(lines[k]):
        k += 1
    return k >= len(lines) or is_blank(lines[k]) or _end(lines, k, style) is not None
