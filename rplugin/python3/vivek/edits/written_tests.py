"""Tests in languages other than Python, as text: what a small model gets wrong around them.

It goes by lines and keywords; what it cannot tell for sure it leaves alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from vivek.edits.indent import is_blank
from vivek.edits.items import Item, items_by_lines

_SCRIPT_IMPORT = re.compile(
    r"\s*(?:import\s+(?P<esm>[^'\"]+?)\s+from\s+|(?:const|let|var)\s+(?P<cjs>[^=]+?)\s*=\s*require\(\s*)['\"]"
)
_LUA_IMPORT = re.compile(r"\s*local\s+(?P<name>\w+)\s*=\s*require\b")
_GO_PACKAGE = re.compile(r"package\s+\w+")


def tidied_lines(tests: str, names: Collection[str], statement: str, filetype: str) -> str:
    """Tests that get at the definitions `names` by `statement`, and hold no copy of them.

    A small model likes to repeat the code under test, or to import it from a place of its own invention.
    """
    lines = tests.strip("\n").split("\n")
    items = items_by_lines("\n".join(lines), filetype)
    wrong = [
        item
        for item in items
        if _copies(item, names) or (statement and _imports(lines, item, names, statement))
    ]
    gone = {number for item in wrong for number in range(item.first, _below(lines, item.last))}
    kept = "\n".join(line for number, line in enumerate(lines) if number not in gone).strip("\n")
    if not statement or statement in kept.split("\n"):
        return kept + "\n"
    if filetype == "go":
        kept = _GO_PACKAGE.sub("", kept, count=1) if _GO_PACKAGE.match(kept) else kept
        return f"{statement}\n\n{kept.strip()}\n"
    return _with_statement(kept, statement, filetype)


def bound_names(statement: str) -> list[str]:
    """The names that an import of JavaScript or Lua binds; [] for any other line.

    >>> bound_names("import { area, side as s } from './a.js'"), bound_names("const a = require('a')")
    (['area', 's'], ['a'])
    """
    match = _SCRIPT_IMPORT.match(statement.replace("\n", " "))
    if match:
        inner = re.sub(r"^\s*(?:type\s+)?|[{}]", " ", match["esm"] or match["cjs"])
        parts = [part.strip() for part in inner.split(",") if part.strip()]
        return [re.split(r"\s+as\s+|\s*:\s*", part)[-1].strip().removeprefix("type ") for part in parts]
    lua = _LUA_IMPORT.match(statement)
    return [lua["name"]] if lua else []


def _copies(item: Item, names: Collection[str]) -> bool:
    return item.kind == "definition" and any(name.rpartition(".")[2] in names for name in item.names)


def _imports(lines: Sequence[str], item: Item, names: Collection[str], statement: str) -> bool:
    """Whether an item imports nothing but what is tested, in another way than it should."""
    if item.kind != "import":
        return False
    text = "\n".join(lines[item.first : item.last])
    bound = bound_names(text)
    wanted = {*names, *bound_names(statement)}
    return bool(bound) and set(bound) <= wanted and text.strip() != statement


def _with_statement(tests: str, statement: str, filetype: str) -> str:
    """The tests with the statement below their other imports, else on top."""
    lines = tests.split("\n")
    imports = [item for item in items_by_lines(tests, filetype) if item.kind == "import"]
    if not imports:
        return f"{statement}\n\n{tests}\n"
    at = imports[-1].last
    gap = [""] if at < len(lines) and not is_blank(lines[at]) else []
    return "\n".join([*lines[:at], statement, *gap, *lines[at:]]) + "\n"


def _below(lines: Sequence[str], end: int) -> int:
    while end < len(lines) and is_blank(lines[end]):
        end += 1
    return end
