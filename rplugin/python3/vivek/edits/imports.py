"""Import statements: out of a reply, into the file's import section, and which one a name needs.

Small models put the imports that a function needs in front of the function. They belong at the top of the
file, once. Python is done exactly; JavaScript, TypeScript, Go, Lua, Java, Rust and C by their plain
one-statement forms. It does not sort, merge or remove imports.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivek.edits import line_imports, python_imports
from vivek.edits.known_imports import import_for

__all__ = ["add_imports", "import_for", "split_imports"]


def split_imports(new_block: str, old_block: str, filetype: str) -> tuple[str, list[str]]:
    """The block without the imports in front of it, and those imports as statements.

    Only where the old block had none in front; a block of nothing but imports, or one whose imports cannot be
    told for sure, comes back as it is with no statements. A statement may span lines; it has no newline at
    its end.
    """
    lines = new_block.split("\n")
    spans = _leading(new_block, filetype)
    if not spans or _leading(old_block, filetype):
        return new_block, []
    rest = lines[spans[-1][1] :]
    if not any(line.strip() for line in rest):
        return new_block, []
    while rest and not rest[0].strip():
        rest.pop(0)
    margin = len(lines[spans[0][0]]) - len(lines[spans[0][0]].lstrip())
    return "\n".join(rest), [
        "\n".join(line[margin:].rstrip() for line in lines[first:last]) for first, last in spans
    ]


def add_imports(text: str, statements: Sequence[str], filetype: str) -> str:
    """The whole file's text with each statement that it lacks in its import section.

    The section is what follows the docstring or licence, `from __future__` and the imports that are there. Of
    a statement only what the file lacks is added; what would bind a name that the file binds to something
    else is left out, since that would change other code. Text in a language that it does not know is returned
    as it is.
    """
    if filetype == "python":
        return python_imports.add(text, statements)
    style = line_imports.STYLES.get(filetype)
    return line_imports.add(text, statements, style) if style else text


def _leading(block: str, filetype: str) -> list[tuple[int, int]]:
    """The lines (0-based, half open) of each import statement that a block begins with."""
    if filetype == "python":
        return python_imports.leading(block)
    style = line_imports.STYLES.get(filetype)
    return line_imports.leading(block, style) if style else []
