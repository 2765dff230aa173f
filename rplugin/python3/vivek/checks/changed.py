"""Did it change anything at all, and the code itself where that was to be mended."""

from __future__ import annotations

import ast
import re

from vivek.checks.edit import Check, Edit, failed, parsed, passed

NAME = "changes something"
WEIGHT = 0.7

_ABOUT_SPACE = re.compile(
    r"\b(?:white\s?space|spaces?|spacing|blank|empty lines?|newlines?|line endings?|indent\w*|format\w*"
    r"|reformat\w*|trailing|tabs?|align\w*|lint\w*|pep ?8|tidy|style|black|prettier)\b",
    re.IGNORECASE,
)
_ABOUT_CODE = re.compile(
    r"\b(?:fix\w*|bugs?|handl\w+|rais\w+|return\w*|implement\w*|support\w*|optimi[sz]\w+|faster|correct\w*"
    r"|crash\w*|fail\w*|wrong)\b",
    re.IGNORECASE,
)
_ABOUT_WORDS = re.compile(
    r"\b(?:doc\w*|comment\w*|explain\w*|describ\w+|descri\w+|readme|todos?|typos?|spelling|wording|text|quot\w+"
    r"|parenthes[ei]s|brackets?|line length|wrap\w*|semicolons?|black|ruff|flake8|pep\s?257)\b",
    re.IGNORECASE,
)
WORDS_ALONE_WEIGHT = 0.45


def check_changed(edit: Edit) -> Check:
    """Fails where the text is the same, but for white space at the ends of lines that nobody asked about."""
    same = edit.before == edit.after
    if not same and not _ABOUT_SPACE.search(edit.instruction):
        same = _bare(edit.before) == _bare(edit.after)
    if same:
        return failed(
            NAME, WEIGHT, "The reply is the same code as before: make the change that was asked for."
        )
    if _ABOUT_CODE.search(edit.instruction) and _same_code(edit):
        return failed(
            NAME,
            WORDS_ALONE_WEIGHT,
            "Only comments or layout changed, the code is the same: change the code.",
        )
    return passed(NAME, WEIGHT)


def _same_code(edit: Edit) -> bool:
    """Whether Python is the same but for comments, docstrings and layout, which nobody asked about."""
    if _ABOUT_WORDS.search(edit.instruction) or _ABOUT_SPACE.search(edit.instruction):
        return False
    if edit.tree_before is None or edit.tree_after is None:
        return False
    try:
        return _undocumented(edit.before) == _undocumented(edit.after)
    except RecursionError:  # too deeply nested to be written out
        return False


def _undocumented(text: str) -> str:
    """The syntax tree told in full, its docstrings and other lone strings left out."""
    return ast.dump(_WithoutStrings().visit(parsed(text)))


class _WithoutStrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Drop a statement that is a string and nothing else."""
        value = node.value
        return None if isinstance(value, ast.Constant) and isinstance(value.value, str) else node


def _bare(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]
