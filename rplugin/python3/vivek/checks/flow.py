"""Likely bugs in where control goes: code that never runs, loops that never end or never repeat, values
missing at the end, variables read before they are set.

Python only, one function at a time, nothing run. Each rule takes a function and yields (node, message); it
stays silent where there is a way to read the code that makes it right.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from vivek.checks import scopes
from vivek.checks.scopes import Function

Found = Iterator[tuple[ast.AST, str]]

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_PLAIN = (ast.Name, ast.Constant, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp)
_GRAMMAR = (ast.expr_context, ast.cmpop, ast.boolop, ast.unaryop, ast.operator)


def unreachable(function: Function) -> Found:
    """Statements behind a return, raise, break or continue of the same block."""
    for statements in [function.body, *scopes.blocks(*function.body)]:
        for before, after in itertools.pairwise(statements):
            if isinstance(before, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
                if not _makes_generator(after):
                    word = type(before).__name__.lower()
                    yield after, f"this never runs: it comes after a `{word}`"
                break


def endless(function: Function) -> Found:
    """``while`` loops whose condition compares names that the body never touches, with no other way out."""
    local = scopes.local(function)
    for loop in scopes.body(function):
        if not isinstance(loop, ast.While) or not _is_comparison(loop.test):
            continue
        tested = scopes.names(ast.walk(loop.test), ast.Load)
        inside = list(scopes.own(*loop.body))
        changed = set().union(*map(scopes.bound, inside))
        ways_out = (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)
        ends = scopes.breaks(loop) or any(isinstance(node, ways_out) for node in inside)
        if tested and tested <= local - changed and not ends:
            names = " or ".join(f"`{name}`" for name in sorted(tested))
            yield loop, f"this loop never ends: its body does not change {names}"


def stuck_bisection(function: Function) -> Found:
    """``low = mid`` with ``mid = (low + high) // 2`` in ``while low < high``: it stays where it is."""
    for loop in scopes.body(function):
        if not isinstance(loop, ast.While) or scopes.breaks(loop):
            continue
        ends = _ends_of(loop.test)
        if not ends:
            continue
        low, high, meets = ends
        middle = next(filter(None, (_halved(node, low, high) for node in loop.body)), None)
        if middle is None:
            continue
        stuck = {low} | ({high} if meets else set())
        for node in scopes.own(*loop.body):
            if not isinstance(node, ast.Assign) or not _is_name(node.value, middle):
                continue
            for name in stuck & scopes.names(node.targets, ast.Store):
                step = "+ 1" if name == low else "- 1"
                yield (
                    node,
                    f"`{name} = {middle}` may leave `{name}` unchanged, so that the loop never ends: `{middle} {step}`",
                )


def stuck_halving(function: Function) -> Found:
    """``search(mid, high)`` within ``search(low, high)``: a range of two stays as it is."""
    given = [each.arg for each in scopes.parameters(function)]
    nodes = list(scopes.body(function))
    for low, high in itertools.pairwise(given):
        middles = {_halved(node, low, high) for node in nodes if isinstance(node, ast.stmt)} - {None}
        for node in nodes:
            if not isinstance(node, ast.Call) or not _is_name(node.func, function.name):
                continue
            told = [each.id if isinstance(each, ast.Name) else "" for each in node.args]
            if (
                len(told) == len(given)
                and told[given.index(low)] in middles
                and told[given.index(high)] == high
            ):
                middle = told[given.index(low)]
                yield (
                    node,
                    f"`{ast.unparse(node)}` may get the same range again and never end: `{middle} + 1`",
                )


def runs_once(function: Function) -> Found:
    """``for`` loops that leave in their first round though they look for something."""
    for loop in scopes.body(function):
        if not isinstance(loop, (ast.For, ast.AsyncFor)) or not loop.body:
            continue
        last = loop.body[-1]
        inside = list(scopes.own(*loop.body))
        if any(isinstance(node, (ast.Continue, ast.Break, ast.Yield, ast.YieldFrom)) for node in inside):
            continue
        looked = any(isinstance(node, ast.If) and scopes.leaves(node.body) for node in loop.body)
        if looked and scopes.leaves([last]) and not scopes.leaves(loop.body[:-1]):
            returns = last if isinstance(last, ast.Return) else None
            if returns or (isinstance(last, ast.If) and last.orelse):
                yield (
                    last,
                    "the loop ends in its first round: both ways lead to a `return` inside of the loop",
                )


def falls_through(function: Function) -> Found:
    """A function that returns values but may end without: its annotation or its last statement tells."""
    if scopes.is_generator(function) or scopes.leaves(function.body) or _is_empty(function):
        return
    returned = [node for node in scopes.body(function) if isinstance(node, ast.Return)]
    if any(node.value is None or _is_none(node.value) for node in returned):
        return
    last = function.body[-1]
    if function.returns is not None and returned:
        if not _may_be_none(function.returns):
            yield last, "here the function ends without a `return`, though it should return a value"
    elif isinstance(last, ast.If) and returned:
        branches = _branches(last)
        falling = [branch for branch in branches if not scopes.leaves(branch)]
        if all(branches) and len(falling) == 1 and isinstance(falling[0][-1], (ast.Assign, ast.AugAssign)):
            yield falling[0][-1], "this branch ends without a `return`, though the others return a value"


def unset(function: Function) -> Found:
    """Local variables that are read where no path has set them yet."""
    yield from _Unset(function).found


class _Unset:
    """A walk in the order of execution that knows which names may have a value."""

    def __init__(self, function: Function) -> None:
        nodes = list(scopes.body(function))
        arguments = [*scopes.parameters(function), function.args.vararg, function.args.kwarg]
        self._set = {each.arg for each in arguments if each}
        self._locals = set().union(*map(scopes.bound, nodes)) - scopes.shared(function) - self._set
        self._comprehended: set[str] = set()
        self.found: list[tuple[ast.AST, str]] = []
        caught = {
            name
            for node in nodes
            if isinstance(node, ast.ExceptHandler) and node.type
            for name in scopes.names(ast.walk(node.type), ast.Load)
        }
        if not caught & {"NameError", "UnboundLocalError"}:
            self._locals -= _of_comprehensions(nodes)
            self._statements(function.body)

    def _statements(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            self._loop(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value:
                self._read(node.value)
                self._read(*targets)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                self._name(node.target)
            self._read(node.value, node.target)
        else:
            self._compound(node)

    def _compound(self, node: ast.stmt) -> None:
        """Parts in the order of the source; blocks one after the other, as if all of them ran."""
        for handler in getattr(node, "handlers", []):
            self._set |= scopes.bound(handler)
        for part in _in_order(node):
            if isinstance(part, ast.stmt):
                self._statement(part)
            else:
                self._read(part)
        self._set |= scopes.bound(node)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        self._read(*([node.test] if isinstance(node, ast.While) else [node.iter, node.target]))
        for statement in node.body:
            if hasattr(statement, "body") or isinstance(statement, ast.Match):
                # It may run in a later round only.
                self._set |= _plainly_set(node.body)
            self._statement(statement)
        self._statements(node.orelse)

    def _read(self, *nodes: ast.AST) -> None:
        for node in scopes.own(*nodes):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._name(node)
            self._set |= scopes.bound(node)

    def _name(self, node: ast.Name) -> None:
        if node.id in self._locals and node.id not in self._set:
            self.found.append((node, f"`{node.id}` is used before it has a value"))
            self._set.add(node.id)


def _in_order(node: ast.AST) -> list[ast.AST]:
    """A statement's parts, those of its handlers, cases and items as its own."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return []
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ExceptHandler, ast.match_case)):
            found += ast.iter_child_nodes(child)
        else:
            found.append(child)
    return found


def _plainly_set(statements: list[ast.stmt]) -> set[str]:
    """Names set other than by ``+=`` and the like, which need a value themselves."""
    nodes = list(scopes.own(*statements))
    added = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    return set().union(*(scopes.bound(node) for node in nodes if id(node) not in added))


def _of_comprehensions(nodes: list[ast.AST]) -> set[str]:
    inner = (
        target for node in nodes if isinstance(node, ast.comprehension) for target in ast.walk(node.target)
    )
    return scopes.names(inner, ast.Store)


def _makes_generator(node: ast.stmt) -> bool:
    return any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in scopes.own(node))


def _is_comparison(test: ast.expr) -> bool:
    """Whether a condition orders plain names and numbers, so that nothing but an assignment can change it."""
    parts = [part for part in ast.walk(test) if not isinstance(part, _GRAMMAR)]
    ordered = [part for part in parts if isinstance(part, ast.Compare)]
    return (
        bool(ordered)
        and all(isinstance(part, _PLAIN) for part in parts)
        and all(isinstance(operator, _ORDER) for part in ordered for operator in part.ops)
    )


def _ends_of(test: ast.expr) -> tuple[str, str, bool] | None:
    """(low, high, whether the two may be equal) of ``low < high``."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE)):
        low, high = test.left, test.comparators[0]
        if isinstance(low, ast.Name) and isinstance(high, ast.Name):
            return low.id, high.id, isinstance(test.ops[0], ast.LtE)
    return None


def _halved(node: ast.stmt, low: str, high: str) -> str | None:
    """The middle's name where this is ``mid = (low + high) // 2`` or the like."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return None
    forms = (
        f"({low} + {high}) // 2",
        f"({high} + {low}) // 2",
        f"{low} + ({high} - {low}) // 2",
        f"{low} + {high} >> 1",
    )
    return node.targets[0].id if ast.unparse(node.value) in forms else None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_empty(function: Function) -> bool:
    """Whether it is a stub: nothing but a docstring, dots or ``pass``."""
    return all(isinstance(each, (ast.Pass, ast.Expr)) for each in scopes.code(function))


def _may_be_none(annotation: ast.expr) -> bool:
    words = set(scopes.names(ast.walk(annotation), ast.Load))
    words |= {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)}
    constants = [node.value for node in ast.walk(annotation) if isinstance(node, ast.Constant)]
    odd = {"Optional", "Any", "object", "NoReturn", "Never", "Generator", "Iterator", "AsyncIterator"}
    return None in constants or bool(words & odd) or any(isinstance(each, str) for each in constants)


def _branches(node: ast.If) -> list[list[ast.stmt]]:
    """The branches of an if/elif/else chain."""
    found = [node.body]
    while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
        found.append(node.body)
    return [*found, node.orelse]
