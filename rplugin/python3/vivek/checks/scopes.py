"""Walking Python's syntax tree one function at a time, for the rules that look for likely bugs.

What an inner function, lambda or class does later is nobody's business but its own: no walk enters it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_NEVER_RETURN = frozenset({"_exit", "abort", "assert_never", "error", "exit", "fail", "skip", "skipTest"})


def functions(tree: ast.Module) -> Iterator[tuple[Function, ast.AST]]:
    """Every function and the node that it is defined in: the module, a class, a function or a block."""
    pending: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while pending:
        node, around = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, around
        inside = node if isinstance(node, (*_LATER, ast.Module)) else around
        pending += [(child, inside) for child in ast.iter_child_nodes(node)]


def own(*nodes: ast.AST) -> Iterator[ast.AST]:
    """These nodes and all that runs as part of them. Of a function within, its defaults and decorators."""
    pending = list(nodes)
    while pending:
        node = pending.pop(0)
        yield node
        pending[:0] = _now(node) if isinstance(node, _LATER) else ast.iter_child_nodes(node)


def body(function: Function) -> Iterator[ast.AST]:
    """All nodes that run when the function does."""
    return own(*function.body)


def code(function: Function) -> list[ast.stmt]:
    """The function's statements without its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def parameters(function: Function) -> list[ast.arg]:
    """All parameters but ``*args`` and ``**kwargs``."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def names(nodes: Iterable[ast.AST], context: type[ast.expr_context]) -> set[str]:
    """Names that are loaded or stored by name nodes; the other ways to bind a name are in `bound`."""
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def bound(node: ast.AST) -> set[str]:
    """The names that this one node binds, its children left aside."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return {node.name} if node.name else set()
    return set()


def local(function: Function) -> set[str]:
    """Parameters and all names that the function binds for itself alone."""
    given = [*parameters(function), function.args.vararg, function.args.kwarg]
    own_names = set().union(*map(bound, body(function))) | {each.arg for each in given if each}
    return own_names - shared(function)


def shared(function: Function) -> set[str]:
    """Names that the function shares with others: declared global or nonlocal in it, or nonlocal within."""
    return {
        name
        for node in ast.walk(function)
        if isinstance(node, (ast.Global, ast.Nonlocal))
        for name in node.names
    }


def is_generator(function: Function) -> bool:
    """Whether it yields."""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in body(function))


def peeks(function: Function) -> bool:
    """Whether it may read any variable by name: ``locals()``, ``eval``."""
    return bool(names(ast.walk(function), ast.Load) & {"locals", "vars", "eval", "exec", "dir"})


def blocks(*nodes: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements that run one after the other."""
    for node in own(*nodes):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements and not isinstance(node, _LATER):
                yield statements


def leaves(statements: list[ast.stmt]) -> bool:
    """Whether control surely does not reach what follows the statements, or may not as far as one can tell."""
    return bool(statements) and any(_leaves(each) for each in statements)


def breaks(loop: ast.stmt) -> bool:
    """Whether a ``break`` leaves this very loop."""
    pending: list[ast.AST] = list(getattr(loop, "body", []))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, _LOOPS):
            pending += node.orelse
        elif not isinstance(node, _LATER):
            pending += ast.iter_child_nodes(node)
    return False


def is_true(test: ast.expr) -> bool:
    """Whether a condition is always true: ``while True``, ``while 1``."""
    return isinstance(test, ast.Constant) and bool(test.value)


def _leaves(node: ast.stmt) -> bool:
    match node:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            found = True
        case ast.If():
            found = leaves(node.body) and leaves(node.orelse)
        case ast.While():
            found = is_true(node.test) and not breaks(node)
        case ast.With() | ast.AsyncWith():
            found = leaves(node.body)
        case ast.Match():
            found = _match_leaves(node)
        case ast.Assert():
            found = isinstance(node.test, ast.Constant) and not node.test.value
        case ast.Expr(value=ast.Call() as call):
            found = _name(call.func) in _NEVER_RETURN
        case _:
            found = hasattr(node, "handlers") and _try_leaves(node)
    return found


def _match_leaves(node: ast.Match) -> bool:
    last = node.cases[-1]
    total = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    return total and all(leaves(case.body) for case in node.cases)


def _try_leaves(node: ast.AST) -> bool:
    tried: ast.Try = node  # type: ignore[assignment]  # ast.TryStar has the same fields
    if leaves(tried.finalbody):
        return True
    done = leaves(tried.body) or leaves(tried.orelse)
    return done and all(leaves(handler.body) for handler in tried.handlers)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _now(node: ast.AST) -> list[ast.AST]:
    """What of a function, lambda or class runs where it is defined."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases]
    arguments = node.args if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) else None
    defaults: list[ast.AST] = []
    if arguments:
        defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each)]
    return [*getattr(node, "decorator_list", []), *defaults]
