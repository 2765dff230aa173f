"""Python's own parser on text as it comes: indented, with carriage returns or bytes that are not text.

It reads one piece of source and gives its syntax tree; it never runs or imports anything.
"""

from __future__ import annotations

import ast
import re
import warnings

from vivek.edits.indent import dedented, margin
from vivek.edits.strings import interior_lines

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def tree(text: str) -> ast.Module | None:
    """The syntax tree of a block, which may be indented, with the text's line numbers; None where it has
    none."""
    lines = [line.rstrip("\r").replace("\r", " ") for line in _NOT_TEXT.sub("?", text).split("\n")]
    flush = dedented(lines, margin(lines, interior_lines("\n".join(lines), "python")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            return ast.parse("\n".join(flush) + "\n")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
