"""Is new code indented as the file is: with tabs where it has tabs, with spaces where it has spaces.

How deep is for the formatter, which fits a reply into its place, and for the parser.
"""

from __future__ import annotations

import re

from vivek.checks.edit import Check, Edit, failed, passed
from vivek.grammar import parse

NAME = "indentation"
WEIGHT = 0.2

_FEWEST = 3
"""Indented lines by which a file's habit shows."""

_ABOUT_IT = re.compile(
    r"\b(?:indent\w*|tabs?|spaces?|format\w*|reformat\w*|whitespace|style|pep ?8)\b", re.IGNORECASE
)


def check_indentation(edit: Edit) -> Check:
    """Fails for the first line of new code with a tab where the file has spaces only, or the reverse."""
    habit = _habit(edit.before)
    if not habit or _ABOUT_IT.search(edit.instruction):
        return passed(NAME, WEIGHT)
    other = "\t" if habit == " " else " "
    known = set(edit.old)
    for row, line in enumerate(edit.new, edit.after_first - 1):
        if line.startswith(other) and line.strip() and line not in known and _is_code(edit, row):
            used, wanted = ("a tab", "spaces") if other == "\t" else ("spaces", "tabs")
            return failed(
                NAME, WEIGHT, f"`{line.strip()[:80]}` is indented with {used}: the file uses {wanted}."
            )
    return passed(NAME, WEIGHT)


def _habit(text: str) -> str:
    """Tab or space, whichever alone indents the file; "" where it has both, or hardly any."""
    leads = [line[0] for line in text.split("\n") if line[:1] in ("\t", " ") and line.strip()]
    return leads[0] if len(leads) >= _FEWEST and len(set(leads)) == 1 else ""


def _is_code(edit: Edit, row: int) -> bool:
    """Whether a line's indentation counts: it is not the middle of a string or a comment."""
    tree = parse(edit.after, edit.filetype)
    if tree is None:
        return False
    node = tree.root_node.descendant_for_point_range((row, 0), (row, 0))
    while node is not None:
        if ("string" in node.type or "comment" in node.type or "template" in node.type) and node.start_point[
            0
        ] < row:
            return False
        node = node.parent
    return True
