"""The items of a piece of Python, as its own parser sees them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import pairwise

from vivek.edits.indent import indentation, is_blank, margin
from vivek.edits.items import Item, Kind, items_by_lines
from vivek.edits.python_source import tree

_Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def python_items(text: str) -> list[Item] | None:
    """The items of a block of Python; None where it does not parse or two statements share a line."""
    module = tree(text)
    if module is None:
        return None
    lines = text.split("\n")
    statements = [(node, _first_line(node) - 1, node.end_lineno or node.lineno) for node in module.body]
    if any(first < last for (_, _, last), (_, first, _) in pairwise(statements)):
        return None
    return _with_comments(lines, [_item(node, lines, first, last) for node, first, last in statements])


def items_of(text: str, filetype: str) -> list[Item] | None:
    """The items of a block in any language; None where it is Python of which `python_items` tells none."""
    return python_items(text) if filetype == "python" else items_by_lines(text, filetype)


def _first_line(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = node.decorator_list if isinstance(node, _Definition) else ()
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _item(node: ast.stmt, lines: Sequence[str], first: int, last: int) -> Item:
    names = tuple(_bound(node))
    if isinstance(node, _Definition):
        start = _first_line(node.body[0]) - 1
        while start > node.lineno and lines[start - 1].lstrip().startswith("#"):
            start -= 1
        body = (start, last) if start >= node.lineno else None
        form = ",".join(ast.unparse(decorator) for decorator in node.decorator_list)
        return Item("definition", first, last, names, free_names(node), body, form)
    kind: Kind = "other"
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        kind = "import"
    elif names:
        kind = "value"
    return Item(kind, first, last, names, free_names(node))


def _bound(node: ast.stmt) -> Iterable[str]:
    """The names that a statement binds where it stands."""
    if isinstance(node, _Definition):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    return [name.id for target in targets for name in ast.walk(_root(target)) if isinstance(name, ast.Name)]


def _root(target: ast.expr) -> ast.expr:
    """What an assignment to an attribute or an item changes: `f` in ``f.cache[0] = 1``."""
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        target = target.value
    return target


def free_names(node: ast.AST) -> frozenset[str]:
    """Names that the code takes from around it: what it reads and never binds, and members of self."""
    read: set[str] = set()
    bound: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            (read if isinstance(part.ctx, ast.Load) else bound).add(part.id)
        elif isinstance(part, ast.arg):
            bound.add(part.arg)
        elif isinstance(part, ast.Global):
            read.update(part.names)
    members = {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id in ("self", "cls")
    }
    return frozenset((read - bound) | members)


def _with_comments(lines: Sequence[str], found: list[Item]) -> list[Item]:
    """The comments between the items: deeper ones end the item above, those right above an item begin it."""
    base = len(margin(lines[item.first] for item in found))
    result: list[Item] = []
    at = 0
    for item in found:
        gap = _comments(lines, at, item.first)
        while result and gap and len(indentation(lines[gap[0]])) > base:
            result[-1] = _stretched(result[-1], result[-1].first, gap.pop(0) + 1)
        first = item.first
        while gap and gap[-1] == first - 1:
            first = gap.pop()
        result += [*(Item("comment", k, k + 1) for k in gap), _stretched(item, first, item.last)]
        at = item.last
    for k in _comments(lines, at, len(lines)):
        if result and result[-1].kind != "comment" and len(indentation(lines[k])) > base:
            result[-1] = _stretched(result[-1], result[-1].first, k + 1)
        else:
            result.append(Item("comment", k, k + 1))
    return result


def _comments(lines: Sequence[str], first: int, last: int) -> list[int]:
    return [k for k in range(first, last) if not is_blank(lines[k])]


def _stretched(item: Item, first: int, last: int) -> Item:
    return Item(item.kind, first, last, item.names, item.uses, item.body, item.form)
