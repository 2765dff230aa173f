"""The docstrings and comments that belong to some lines of a Python file, each with the definition it speaks of."""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Union

Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]  # noqa: UP007 (isinstance takes it in 3.10)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True)
class Note:
    """A docstring or a block of comments. literal: as it stands in the file, escapes and all. line: 1-based.

    about: where it is the module's, the names of the definitions in question; other examples in it do not count.
    """

    source: str
    text: str
    literal: str
    line: int
    about: frozenset[str] | None = None


def notes_of(text: str, tree: ast.Module, first: int, last: int) -> Iterator[Note]:
    """What is said of the definitions that lie in these lines (1-based, inclusive), or around them, in their order."""
    lines = text.split("\n")
    chosen = list(_chosen(tree, first, last))
    above: set[int] = set()
    for node, name in chosen:
        for note in _comment_above(node, name, lines):
            above.add(note.line)
            yield note
        if ast.get_docstring(node):
            yield _docstring(node.body[0], name, lines)
    # A comment above a method lies in its class, too.
    yield from (note for note in _comments_inside(text, chosen) if note.line not in above)
    about = frozenset(name.partition(".")[0] for _, name in chosen)
    for statement in tree.body if about else ():
        if isinstance(statement, ast.Expr) and isinstance(_value_of(statement), str):
            yield replace(_docstring(statement, "", lines), about=about)


def _chosen(tree: ast.Module, first: int, last: int) -> Iterator[tuple[Definition, str]]:
    """The definitions in some lines; a method's class too, where its docstring names the method."""
    every = list(_definitions(tree, ""))
    inside = [
        (node, name) for node, name in every if first <= _begin(node) and (node.end_lineno or 0) <= last
    ]
    around = [
        (node, name) for node, name in every if _begin(node) <= first and last <= (node.end_lineno or 0)
    ]
    if not inside:
        inside = around[-1:]
    named = {node.name for node, _ in inside}
    for node, name in around:
        said = ast.get_docstring(node) or ""
        is_new = all(node is not one for one, _ in inside)
        if is_new and isinstance(node, ast.ClassDef) and any(f".{one}(" in said for one in named):
            yield node, name
    yield from inside


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[Definition, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _DEFINITIONS):
            yield child, f"{prefix}{child.name}"
            yield from _definitions(child, f"{prefix}{child.name}.")
        else:
            yield from _definitions(child, prefix)


def _begin(node: Definition) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _docstring(statement: ast.stmt, name: str, lines: list[str]) -> Note:
    literal = _inner("\n".join(lines[statement.lineno - 1 : statement.end_lineno]))
    return Note(name, inspect.cleandoc(_value_of(statement)), literal, statement.lineno)


def _value_of(statement: ast.stmt) -> Any:
    """The value of a statement that is nothing but a constant."""
    return getattr(getattr(statement, "value", None), "value", None)


def _inner(source: str) -> str:
    """What stands between a docstring's quotes, its indentation taken off."""
    for quotes in _QUOTES:
        _, opened, rest = source.partition(quotes)
        inside, closed, _ = rest.rpartition(quotes)
        if opened and closed:
            first, newline, others = inside.partition("\n")
            return first.lstrip() + newline + textwrap.dedent(others)
    return ""


def _comment_above(node: Definition, name: str, lines: list[str]) -> Iterator[Note]:
    end = _begin(node) - 1
    begin = end
    while begin and lines[begin - 1].lstrip().startswith("#"):
        begin -= 1
    if begin < end:
        yield _comment(name, lines[begin:end], begin + 1)


def _comments_inside(text: str, chosen: list[tuple[Definition, str]]) -> Iterator[Note]:
    """Blocks of comments in a function's own lines; a comment after code is none."""
    blocks: dict[int, tuple[str, list[str], int]] = {}
    for line, told in _comment_lines(text):
        owner = [name for node, name in chosen if _begin(node) <= line <= (node.end_lineno or 0)]
        if not owner:
            continue
        name, block, begin = blocks.pop(line - 1, (owner[-1], [], line))
        blocks[line] = (name, [*block, told], begin)
    for name, block, begin in blocks.values():
        yield _comment(name, block, begin)


def _comment_lines(text: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return


def _comment(name: str, lines: list[str], begin: int) -> Note:
    text = textwrap.dedent("\n".join(line.lstrip().removeprefix("#") for line in lines))
    return Note(name, text, text, begin)
