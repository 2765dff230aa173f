"""A function without its body: what it is called, what it takes and what it is for, for a model to write it anew.

A small model that is shown code copies it, faults and all; shown what the code is for, it writes it well. Only for
Python yet, and only where the function is described. Pure text work.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

LEAST_WORDS = 8
"""A description of fewer words says too little to write a body from."""

MOST_LINES = 40
"""A longer body does more than its description says."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def hollow(code: str, filetype: str, instruction: str) -> str | None:
    """The code with ``...`` for the body of the one function that the instruction is about.

    None where that cannot be told: the code has several described functions and the instruction names none or more than
    one of them, or none at all; methods are left alone, for what they do hangs on their class.
    """
    if filetype != "python":
        return None
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    described = [found for found in _functions(tree) if _is_described(found, tree, code)]
    named = [found for found in described if re.search(rf"\b{re.escape(found.name)}\b", instruction)]
    chosen = named if len(described) > 1 else described
    return _without_body(code, chosen[0]) if len(chosen) == 1 else None


def _functions(tree: ast.Module) -> Iterator[Function]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.args.args[:1]
            if not (first and first[0].arg in ("self", "cls")):
                yield node


def _is_described(function: Function, tree: ast.Module, code: str) -> bool:
    body = _body(function)
    if not body or (function.end_lineno or 0) - body[0].lineno >= MOST_LINES:
        return False
    return len(re.findall(r"\w+", _description(function, tree, code))) >= LEAST_WORDS


def _description(function: Function, tree: ast.Module, code: str) -> str:
    """Its docstring; else the comment above it, or a string of the module where it is the only function."""
    if told := ast.get_docstring(function):
        return told
    lines = code.split("\n")
    above: list[str] = []
    first = min([function.lineno, *(node.lineno for node in function.decorator_list)])
    for line in reversed(lines[: first - 1]):
        if not line.lstrip().startswith("#"):
            break
        above.insert(0, line)
    if above or len(list(_functions(tree))) > 1:
        return "\n".join(above)
    return "\n".join(
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _body(function: Function) -> list[ast.stmt]:
    """The statements after the docstring."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def _without_body(code: str, function: Function) -> str | None:
    body = _body(function)
    lines = code.split("\n")
    start, end = body[0].lineno, function.end_lineno or body[-1].lineno
    if lines[start - 1][: body[0].col_offset].strip():  # on the line of its `def`
        return None
    comments = start - 1
    while comments > function.lineno and lines[comments - 1].lstrip().startswith("#"):
        comments -= 1
    return "\n".join([*lines[:comments], " " * body[0].col_offset + "...", *lines[end:]])
