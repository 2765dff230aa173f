"""Does it still parse: Python by its own compiler, every other language by tree-sitter.

Only errors that the edit brought count; a file that was broken before may stay so.
"""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter

from vivek.checks.edit import Check, Edit, failed, parsed, passed
from vivek.grammar import parse

NAME = "parses"
WEIGHT = 0.8


def check_syntax(edit: Edit) -> Check:
    """Fails where the text after has a syntax error that the text before did not have."""
    detail = _python_error(edit) if edit.filetype == "python" else _tree_error(edit)
    return failed(NAME, WEIGHT, detail) if detail else passed(NAME, WEIGHT)


def broken_lines(text: str, filetype: str) -> list[tuple[int, str]]:
    """(1-based line, what is wrong) of the syntax errors of a text; none where there is no grammar."""
    if filetype == "python":
        try:
            parsed(text)
        except SyntaxError as error:
            return [(error.lineno or 1, f"syntax error: {_message(error)}")]
        return []
    tree = parse(text, filetype)
    errors = _errors(tree.root_node) if tree else iter(())
    return [(node.start_point[0] + 1, _what(node)) for node in errors]


def _python_error(edit: Edit) -> str:
    try:
        parsed(edit.after)
    except SyntaxError as error:
        if not _parsed_before(edit):
            return _tree_error(edit)
        return f"The code does not parse: {_message(error)}{_at(edit, error.lineno)}."
    return ""


def _parsed_before(edit: Edit) -> bool:
    try:
        parsed(edit.before)
    except SyntaxError:
        return False
    return True


def _tree_error(edit: Edit) -> str:
    after = parse(edit.after, edit.filetype)
    before = parse(edit.before, edit.filetype)
    if after is None or before is None or not after.root_node.has_error:
        return ""
    errors = list(_errors(after.root_node))
    if len(errors) <= sum(1 for _ in _errors(before.root_node)):
        return ""
    inside = range(edit.after_first - 1, edit.after_last)
    worst = next((node for node in errors if node.start_point[0] in inside), errors[0])
    return f"The code does not parse: {_what(worst)}{_at(edit, worst.start_point[0] + 1)}."


def _message(error: SyntaxError) -> str:
    return (error.msg or "invalid syntax").split(" (<text>")[0]


def _what(node: tree_sitter.Node) -> str:
    return f"`{node.type}` is missing" if node.is_missing else "there is a syntax error"


def _errors(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The outermost nodes that are an error or a token that had to be made up."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            pending += reversed(node.children)


def _at(edit: Edit, line: int | None) -> str:
    """Where, by the line's own text: a model cannot count lines."""
    lines = edit.after.split("\n")
    text = lines[line - 1].strip() if line and line <= len(lines) else ""
    return f" at `{text[:80]}`" if text else " at the end"
