"""What new tests import, among the imports of the file that they go into; each name once.

A name that the file has for something else is imported under another one, and the tests are made to use that. Where a
language's imports cannot be told for sure they stay in front of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivek.edits.imports import add_imports
from vivek.edits.items import Item, items_by_lines
from vivek.edits.line_imports import STYLES
from vivek.edits.python_imports import Binding, bound_at_top
from vivek.edits.python_items import python_items
from vivek.edits.python_source import tree
from vivek.edits.renaming import renamed
from vivek.edits.written_tests import bound_names

_SCRIPTS = ("javascript", "javascriptreact", "typescript", "typescriptreact")
_LONGEST = 88
"""Columns up to which an import takes one name more on its line."""

_PACKAGE = re.compile(r"\s*package\s+[\w.]+;?[^\S\n]*(?:\n|$)")
_NAMED = re.compile(
    r"(?P<head>\s*(?:import|const|let|var)\s*)\{(?P<names>[^{}\n]*)\}(?P<tail>\s*(?:from|=\s*require)\b[^'\"\n]*(?P<path>['\"][^'\"]+['\"]).*)"
)


def with_imports(base: str, tests: str, filetype: str) -> tuple[str, str]:
    """The file's text with what the tests import, and the tests without those imports."""
    if filetype == "python":
        return _python(base, tests)
    package = _PACKAGE.match(tests)
    tests = tests[package.end() :] if package else tests
    lines = tests.split("\n")
    imports = [item for item in items_by_lines(tests, filetype) if item.kind == "import"]
    left: list[Item] = []
    for item in imports:
        statement = "\n".join(lines[item.first : item.last])
        base, done = (
            _script(base, statement, filetype) if filetype in _SCRIPTS else _line(base, statement, filetype)
        )
        if not done:
            left.append(item)
    gone = {number for item in imports if item not in left for number in range(item.first, item.last)}
    return base, "\n".join(line for number, line in enumerate(lines) if number not in gone)


def _python(base: str, tests: str) -> tuple[str, str]:
    items = python_items(tests)
    if items is None or tree(base) is None:
        return base, tests
    lines = tests.split("\n")
    imports = [item for item in items if item.kind == "import"]
    gone = {number for item in imports for number in range(item.first, item.last)}
    code = "\n".join(line for number, line in enumerate(lines) if number not in gone)
    for item in imports:
        module = tree("\n".join(lines[item.first : item.last]))
        for node in module.body if module else ():
            for binding in Binding.of(node):
                base, code = _bound(base, code, binding)
    return base, code


def _bound(base: str, code: str, binding: Binding) -> tuple[str, str]:
    """The text with a binding, and the code that uses it, by another name where it must."""
    there, taken = bound_at_top(base)
    if binding in there:
        return base, code
    if binding.module == "__future__" or not _is_taken(binding, taken):
        return _with_binding(base, binding), code
    known = next((one for one in there if (one.module, one.member) == (binding.module, binding.member)), None)
    if known is None:
        known = Binding(binding.module, binding.member, _alias(binding, taken))
        base = _with_binding(base, known)
    return base, renamed(code, binding.name, known.name, "python")


def _is_taken(binding: Binding, taken: set[str]) -> bool:
    if not binding.member and binding.name == binding.module:
        root = binding.module.partition(".")[0]
        return root in taken and f"{root}." not in taken
    return binding.member != "*" and binding.name in taken


def _alias(binding: Binding, taken: set[str]) -> str:
    stem = f"{binding.name.replace('.', '_')}_of_{binding.module.rpartition('.')[2] or 'package'}"
    return next(
        name
        for name in (stem, *(f"{stem}_{count}" for count in range(2, len(taken) + 3)))
        if name not in taken
    )


def _with_binding(base: str, binding: Binding) -> str:
    """The text with a binding: one name more in an import of its module, else an import of its own."""
    if binding.member and binding.member != "*" and binding.module != "__future__":
        lines = base.split("\n")
        put = binding.member + (f" as {binding.name}" if binding.name != binding.member else "")
        head = re.compile(
            rf"from[ \t]+{re.escape(binding.module)}[ \t]+import[ \t]+(?P<names>\w[\w \t,]*?)[ \t]*$"
        )
        for number, line in enumerate(lines):
            match = head.match(line)
            if match and len(line.rstrip()) + len(put) + 2 <= _LONGEST and not _is_inside(base, number):
                names = _placed([name.strip() for name in match["names"].split(",")], put)
                lines[number] = f"{line[: match.start('names')]}{', '.join(names)}"
                return "\n".join(lines)
    return add_imports(base, [binding.statement()], "python")


def _is_inside(base: str, number: int) -> bool:
    """Whether a line is no statement of its own at the top level, but within a string."""
    module = tree(base)
    return module is None or not any(node.lineno == number + 1 == node.end_lineno for node in module.body)


def _placed(names: Sequence[str], name: str) -> list[str]:
    """The names with one more: in its place where they are in order, else last."""
    if list(names) == sorted(names):
        return sorted([*names, name])
    return [*names, name]


def _script(base: str, statement: str, filetype: str) -> tuple[str, bool]:
    """JavaScript's: the text with what it lacks of an import, and whether all of that is done."""
    bound = bound_names(statement)
    lines = base.split("\n")
    imports = [item for item in items_by_lines(base, filetype) if item.kind == "import"]
    have = {name for item in imports for name in bound_names("\n".join(lines[item.first : item.last]))}
    missing = [name for name in bound if name not in have]
    if bound and not missing:
        return base, True
    named = _NAMED.match(statement)
    if named:
        parts = [part.strip() for part in named["names"].split(",") if part.strip()]
        parts = [part for part in parts if bound_names(f"import {{ {part} }} from 'x'")[0] in missing]
        for item in imports:
            here = _NAMED.match("\n".join(lines[item.first : item.last]))
            if (
                here
                and here["path"][1:-1] == named["path"][1:-1]
                and here["head"].split() == named["head"].split()
            ):
                names = [*(part.strip() for part in here["names"].split(",") if part.strip()), *parts]
                lines[item.first : item.last] = [f"{here['head']}{{ {', '.join(names)} }}{here['tail']}"]
                return "\n".join(lines), True
        statement = f"{named['head']}{{ {', '.join(parts)} }}{named['tail']}"
    elif len(missing) < len(bound):
        return base, False
    return _below(base, imports, statement, filetype), True


def _line(base: str, statement: str, filetype: str) -> tuple[str, bool]:
    """Any other language's: the text with an import that it lacks, and whether it has it now."""
    bound, lines = bound_names(statement), base.split("\n")
    imports = [item for item in items_by_lines(base, filetype) if item.kind == "import"]
    for item in imports if bound else ():
        text = "\n".join(lines[item.first : item.last])
        if bound_names(text) == bound:
            return base, _plain(text) == _plain(statement)
    if filetype in STYLES:
        return add_imports(base, [statement], filetype), True
    known = _plain(statement) in _plain(base)
    return (base if known else _below(base, imports, statement, filetype)), True


def _below(base: str, imports: Sequence[Item], statement: str, filetype: str) -> str:
    """The text with an import below the last of those on its top, else where the language has them."""
    lines = base.split("\n")
    leading = _leading(imports, items_by_lines(base, filetype))
    if leading is None:
        added = add_imports(base, [statement], filetype)
        return added if added != base else f"{statement}\n\n{base}"
    return "\n".join([*lines[: leading.last], statement, *lines[leading.last :]])


def _leading(imports: Sequence[Item], items: Sequence[Item]) -> Item | None:
    last: Item | None = None
    for item in items:
        if item.kind == "import":
            last = item
        elif item.kind == "definition" or not imports:
            break
    return last


def _plain(text: str) -> str:
    return re.sub(r"[\s;()]+", "", text).replace("'", '"')
