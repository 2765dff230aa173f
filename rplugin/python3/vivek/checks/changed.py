"""Did it change anything at all."""

from __future__ import annotations

import re

from vivek.checks.edit import Check, Edit, failed, passed

NAME = "changes something"
WEIGHT = 0.7

_ABOUT_SPACE = re.compile(
    r"\b(?:white\s?space|spaces?|spacing|blank|empty lines?|newlines?|line endings?|indent\w*|format\w*"
    r"|reformat\w*|trailing|tabs?|align\w*|lint\w*|pep ?8|tidy|style|black|prettier)\b",
    re.IGNORECASE,
)


def check_changed(edit: Edit) -> Check:
    """Fails where the text is the same, but for white space at the ends of lines that nobody asked about."""
    same = edit.before == edit.after
    if not same and not _ABOUT_SPACE.search(edit.instruction):
        same = _bare(edit.before) == _bare(edit.after)
    if same:
        return failed(
            NAME, WEIGHT, "The reply is the same code as before: make the change that was asked for."
        )
    return passed(NAME, WEIGHT)


def _bare(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
