"""Tests of Python code, as text: what a small model gets wrong around them, and single tests left out.

It writes no test and runs none. Text that does not parse comes back as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable

from vivek.edits.imports import add_imports


def tidied(tests: str, names: Collection[str], statement: str) -> str:
    """Tests that test the definitions `names` as `statement` imports them, and no copy of them.

    A small model likes to repeat the code under test, or to import it from a module of its own invention, and to forget
    the import of pytest.
    """
    tree = _tree(tests)
    if tree is None or not statement:
        return tests
    wrong = [
        node
        for node in tree.body
        if _defines(node, names) or (_imports(node, names) and ast.unparse(node) != statement)
    ]
    wanted = [*(["import pytest"] if _uses(tree, "pytest") else []), statement]
    return add_imports(_without(tests, wrong), wanted, "python").strip("\n") + "\n"


def left_out(tests: str, names: Collection[str]) -> str:
    """The tests without those of these names; a method's is ``Class.method``."""
    tree = _tree(tests)
    if tree is None:
        return tests
    unwanted: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            inner = [item for item in node.body if f"{node.name}.{getattr(item, 'name', '')}" in names]
            unwanted += [node] if len(inner) == len(_tests_in(node.body)) and inner else inner
        elif getattr(node, "name", "") in names:
            unwanted.append(node)
    return _without(tests, unwanted)


def _uses(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def names_in(tests: str) -> list[str]:
    """The names of the tests, a method's as ``Class.method``; [] where the text does not parse."""
    tree = _tree(tests)
    if tree is None:
        return []
    found = [node.name for node in _tests_in(tree.body)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found += [f"{node.name}.{item.name}" for item in _tests_in(node.body)]
    return found


def _tests_in(body: Iterable[ast.stmt]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test")
    ]


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _defines(node: ast.stmt, names: Collection[str]) -> bool:
    return (
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and node.name in names
        and not node.name.startswith("test")
    )


def _imports(node: ast.stmt, names: Collection[str]) -> bool:
    """Whether a statement imports nothing but what is tested, by its own name."""
    return isinstance(node, ast.ImportFrom) and all(
        item.asname is None and (item.name in names or item.name == "*") for item in node.names
    )


def _without(text: str, nodes: Iterable[ast.stmt]) -> str:
    """The text without the lines of some statements, and the blank lines below them."""
    lines = text.split("\n")
    gone: set[int] = set()
    for node in nodes:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(item.lineno for item in decorators)])
        end = node.end_lineno or node.lineno
        while end < len(lines) and not lines[end].strip():
            end += 1
        gone.update(range(first - 1, end))
    kept = "\n".join(line for number, line in enumerate(lines) if number not in gone)
    return kept.strip("\n") + "\n" if gone else text
