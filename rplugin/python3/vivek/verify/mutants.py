"""Broken copies of Python code, for tests to notice: one small fault each, as people make them.

Deterministic: the same text gives the same copies. It knows no tests and runs nothing. A copy has the meaning of the
text and not its layout, for it is only ever run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST = 6

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_NOT_CODE = frozenset({"annotation", "returns", "decorator_list", "type_params"})


@dataclass(frozen=True)
class Mutant:
    """A broken copy. line: of the fault in the original, 1-based. fault: what it is, in a few words."""

    text: str
    line: int
    fault: str


@dataclass(frozen=True)
class _Swap:
    """One node in the place of another: in a field of its parent, or in the list that the field is."""

    parent: ast.AST
    field: str
    index: int | None
    new: ast.AST
    line: int
    fault: str

    def put(self, node: Any) -> Any:
        """Put a node in the place; what was there."""
        if self.index is None:
            old = getattr(self.parent, self.field)
            setattr(self.parent, self.field, node)
            return old
        items = getattr(self.parent, self.field)
        old, items[self.index] = items[self.index], node
        return old


def mutants_of(text: str, first: int, last: int, most: int = MOST) -> list[Mutant]:
    """At most so many broken copies of a text, the fault in its lines first..last (1-based, inclusive).

    Faults of different kinds come before more of the same kind. [] for a text that does not parse.
    """
    try:
        tree = ast.parse(text)
        whole = ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    made: list[Mutant] = []
    seen = {whole}
    for swap in _spread([swap for swap in _swaps(tree) if first <= swap.line <= last]):
        old = swap.put(swap.new)
        broken = ast.unparse(ast.fix_missing_locations(tree))
        swap.put(old)
        if broken not in seen:
            seen.add(broken)
            made.append(Mutant(broken + "\n", swap.line, swap.fault))
        if len(made) == most:
            break
    return made


def _spread(swaps: list[_Swap]) -> list[_Swap]:
    """One of each kind of fault, then a second of each; those of a kind as they stand in the text."""
    turns: dict[str, int] = {}
    ordered: list[tuple[int, int, _Swap]] = []
    for number, swap in enumerate(sorted(swaps, key=lambda swap: swap.line)):
        turn = turns[swap.fault] = turns.get(swap.fault, -1) + 1
        ordered.append((turn, number, swap))
    return [swap for _, _, swap in sorted(ordered, key=lambda item: item[:2])]


def _swaps(tree: ast.Module) -> Iterator[_Swap]:
    pending: list[ast.AST] = [tree]
    while pending:
        parent = pending.pop()
        for field, index, node in _children(parent):
            pending.append(node)
            line = getattr(node, "lineno", 0)
            for fault, new in _faults(parent, field, node):
                yield _Swap(parent, field, index, new, line, fault)


def _children(parent: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if field in _NOT_CODE or isinstance(parent, (ast.JoinedStr, ast.FormattedValue)):
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            yield from ((field, index, node) for index, node in enumerate(value) if isinstance(node, ast.AST))


def _faults(parent: ast.AST, field: str, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What a node might be by mistake, with the kind of the fault."""
    if isinstance(node, ast.Compare):
        op = _COMPARED.get(type(node.ops[0]))
        if op:
            yield "another comparison", ast.Compare(node.left, [op(), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _CALCULATED:
        yield "another operator", ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and for or", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield "off by one", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Return) and not _is_none(node.value):
        yield "returns None", ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.AugAssign, ast.Raise)) or _is_call(node):
        yield "a statement dropped", ast.Pass()
    if field == "test" and isinstance(parent, (ast.If, ast.IfExp)) and isinstance(node, ast.expr):
        yield "a condition negated", ast.UnaryOp(ast.Not(), node)


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
