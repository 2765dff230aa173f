"""Imports that an edit lost in languages other than Python, whose imports `names` knows through pyflakes.

An import statement of the target that is gone although what it names is still used. It goes by the lines: no
grammar tells which names a C header declares, so that a lost ``#include`` always counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vivek.checks.asked import changes_names
from vivek.checks.edit import Check, Edit, failed, listed, passed
from vivek.checks.names import IMPORTS, WEIGHT

_SCRIPT = (
    r"\s*import\s+(?P<names>[^'\"]+?)\s+from\s+['\"]",
    r"\s*(?:const|let|var)\s+(?P<names>[^=]+?)\s*=\s*require\(",
)
_PATTERNS: dict[str, tuple[str, ...]] = {
    "c": (r"\s*#\s*include\s*[<\"](?P<include>[^>\"]+)",),
    "go": (
        r"\s*(?:import\s+)?(?P<names>[A-Za-z]\w*)\s+\"[\w./-]+\"\s*$",
        r"\s*(?:import\s+)?\"(?:[\w.-]+/)*(?P<path>[\w-]+)\"\s*$",
    ),
    "java": (r"\s*import\s+(?:static\s+)?[\w.]*?\.(?P<path>\w+)\s*;",),
    "lua": (r"\s*local\s+(?P<names>\w+)\s*=\s*require\b",),
    "rust": (r"\s*use\s+[\w:]*?(?P<path>\w+)\s*;", r"\s*use\s+[\w:]+\{(?P<names>[^{}]*)\}\s*;"),
    "javascript": _SCRIPT,
}
_SAME = {
    "cpp": "c",
    "typescript": "javascript",
    "javascriptreact": "javascript",
    "typescriptreact": "javascript",
}


def check_lost_imports(edit: Edit) -> Check:
    """Fails for imports that are gone from the target while their names are still used."""
    patterns = _PATTERNS.get(_SAME.get(edit.filetype, edit.filetype), ())
    lost = list(dict.fromkeys(_lost(edit, patterns)))
    if not lost or changes_names(edit.instruction):
        return passed(IMPORTS, WEIGHT)
    verb = "is" if len(lost) == 1 else "are"
    return failed(
        IMPORTS,
        WEIGHT,
        f"{listed(lost)} {verb} gone but still needed: keep {'it' if verb == 'is' else 'them'}.",
    )


def _lost(edit: Edit, patterns: tuple[str, ...]) -> Iterator[str]:
    now = {" ".join(line.split()) for line in edit.after.split("\n")}
    for line in edit.old:
        if " ".join(line.split()) in now:
            continue
        for pattern in patterns:
            match = re.match(pattern, line)
            if match and _is_needed(match.groupdict(), edit.after):
                yield line.strip()
                break


def _is_needed(found: dict[str, str | None], after: str) -> bool:
    header, path, names = found.get("include"), found.get("path"), found.get("names")
    if header:
        return not re.search(rf"#\s*include\s*[<\"]{re.escape(header)}", after)
    words = [path] if path else re.findall(r"\w+(?=\s*(?:,|\}|$))", names or "")
    return any(_is_used(word, after) for word in words)


def _is_used(word: str, after: str) -> bool:
    """Whether a name is used as code, and no statement imports or defines it."""
    name = re.escape(word)
    statement = r"(?m)^\s*(?:import|use|from|local|const|let|var|func|function|type)\b"
    given = rf"{statement}[^\n]*(?<!\w){name}(?!\w)|\"[\w./-]*\b{name}\""
    return bool(re.search(rf"(?<![\w.\"'/]){name}\s*[.(:\[]", after)) and not re.search(given, after)
