"""Which names a piece of Python uses without defining them, and which of them a module has."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

_NAMED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
)
_BUILTIN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


@dataclass(frozen=True)
class Known:
    """The names of a module's top level. every: whether a star import may bring any other."""

    names: frozenset[str]
    every: bool = False

    def has_all(self, names: set[str]) -> bool:
        """Whether the module, or Python, defines every one."""
        return self.every or names <= self.names | _BUILTIN


def known_names(tree: ast.Module) -> Known:
    """What a module defines at its top level, in branches and loops there too."""
    names, every, waiting = set[str](), False, list[ast.AST](tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            every = every or any(alias.name == "*" for alias in node.names)
        names |= _bound(node)
        waiting.extend(ast.iter_child_nodes(node))
    return Known(frozenset(names), every)


def free_names(tree: ast.AST) -> set[str]:
    """The names that code reads and binds nowhere. A name that only one of its parts binds counts as bound."""
    nodes = list(ast.walk(tree))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - set[str]().union(*(_bound(node) for node in nodes))


def _bound(node: ast.AST) -> set[str]:
    """The name that a node binds by itself, in a set; empty where it binds none."""
    if isinstance(node, ast.Name):
        name = None if isinstance(node.ctx, ast.Load) else node.id
    elif isinstance(node, ast.arg):
        name = node.arg
    elif isinstance(node, ast.alias):
        name = (node.asname or node.name).partition(".")[0]
    elif isinstance(node, _NAMED):
        name = node.name
    else:
        name = None
    return {name} if name else set()
