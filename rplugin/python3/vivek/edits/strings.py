"""Where strings that span lines lie, so that nobody re-indents or reads as code what is inside them.

A light scanner, not a parser: it also works on code that is broken or cut off.
"""

from __future__ import annotations

import re

_QUOTED = r'"(?:\\.|[^"\\\n])*"?|' + r"'(?:\\.|[^'\\\n])*'?"
_TRIPLE = r'(?P<triple>"""|\'\'\')'
_SCANNERS = {
    "python": re.compile(rf"{_TRIPLE}|{_QUOTED}|#[^\n]*"),
    "backtick": re.compile(rf"(?P<triple>`)|{_QUOTED}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL),
    "lua": re.compile(rf"--\[(?P<comment>=*)\[|(?P<triple>\[=*\[)|{_QUOTED}|--[^\n]*"),
}
_FAMILY = {
    "": "python",
    "go": "backtick",
    "javascript": "backtick",
    "javascriptreact": "backtick",
    "lua": "lua",
    "python": "python",
    "typescript": "backtick",
    "typescriptreact": "backtick",
}


def interiors(text: str, filetype: str = "") -> list[range]:
    """For each string that spans lines, the lines (0-based) that start inside it.

    Without a filetype it looks for triple quotes; a filetype whose strings it does not know has none.
    """
    scanner = _SCANNERS.get(_FAMILY.get(filetype, "none"))
    if scanner is None:
        return []
    found: list[range] = []
    at = 0
    while match := scanner.search(text, at):
        at = match.end()
        opening = match.groupdict().get("triple")
        if opening:
            at = _end_of_string(text, at, opening)
            first = text.count("\n", 0, match.start()) + 1
            last = text.count("\n", 0, at) + 1
            found += [range(first, last)] if last > first else []
        elif match.groupdict().get("comment") is not None:
            at = _after(text, f"]{match['comment']}]", at)
    return found


def interior_lines(text: str, filetype: str = "") -> frozenset[int]:
    """Every line (0-based) that starts inside a string."""
    return frozenset(line for lines in interiors(text, filetype) for line in lines)


def _end_of_string(text: str, at: int, opening: str) -> int:
    if opening.startswith("["):
        return _after(text, opening.replace("[", "]"), at)
    closing = re.compile(rf"(?:\\.|[^\\])*?{opening}", re.DOTALL).match(text, at)
    return closing.end() if closing else len(text)


def _after(text: str, closing: str, at: int) -> int:
    place = text.find(closing, at)
    return len(text) if place < 0 else place + len(closing)
