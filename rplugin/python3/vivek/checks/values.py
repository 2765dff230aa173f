"""Likely bugs in what becomes of values: results thrown away, variables and parameters nobody reads, lists
changed while a loop goes over them.

Python only, one function at a time, nothing run. Each rule takes a function and yields (node, message); it
stays silent where there is a way to read the code that makes it right.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from vivek.checks import scopes
from vivek.checks.scopes import Function

Found = Iterator[tuple[ast.AST, str]]

_PURE_CALLS = frozenset(
    ["abs", "all", "any", "chr", "enumerate", "filter", "map", "max", "min", "range", "reversed", "round"]
) | {"sorted", "zip"}
_PURE_METHODS = {
    **dict.fromkeys(["lower", "upper", "title", "capitalize", "swapcase", "casefold"], range(1)),
    **dict.fromkeys(["strip", "lstrip", "rstrip", "split", "rsplit"], range(2)),
    **dict.fromkeys(["removeprefix", "removesuffix", "startswith", "endswith", "zfill"], range(1, 2)),
    "replace": range(2, 4),
    "splitlines": range(1),
}
"""Methods of strings -> how many arguments they take; a string never changes in place."""

_IN_PLACE = frozenset(["sort", "reverse"])
_SHRINKS = frozenset(["remove", "pop", "insert", "clear", "discard", "popitem"])
_FILLS = frozenset(["append", "add", "extend", "insert", "update", "appendleft", "setdefault"])
_EMPTY = frozenset(["list", "dict", "set", "deque", "defaultdict", "Counter", "OrderedDict"])


_LEAVE_LOOP = (ast.Return, ast.Raise, ast.Break)


@dataclass(frozen=True)
class Uses:
    """How a file uses the names of functions, gathered once for all of them.

    defined: how many functions have a name; as_values: names that stand somewhere without being called; derives:
    whether any class has a base.
    """

    defined: Counter[str]
    as_values: frozenset[str]
    derives: bool

    @classmethod
    def of(cls, tree: ast.Module) -> Uses:
        """Gather them."""
        nodes = list(ast.walk(tree))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        others = [node for node in nodes if id(node) not in called]
        values = [node.id for node in others if isinstance(node, ast.Name)]
        values += [node.attr for node in others if isinstance(node, ast.Attribute)]
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        return cls(
            Counter(node.name for node in nodes if isinstance(node, functions)),
            frozenset(values),
            any(isinstance(node, ast.ClassDef) and node.bases for node in nodes),
        )


def thrown_away(function: Function) -> Found:
    """Comparisons, sums and results of functions without effect that stand as statements."""
    for node in _statements(function):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Compare) and isinstance(value.ops[0], (ast.Eq, ast.Is)):
            yield node, f"`{_quote(value)}` only compares, and the result is thrown away: `=` assigns"
        elif isinstance(value, (ast.Compare, ast.UnaryOp)) or (
            isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv))
        ):
            yield node, f"the result of `{_quote(value)}` is thrown away"
        elif isinstance(value, ast.Call) and _is_pure(value):
            what = f"the result of `{_quote(value)}` is thrown away"
            yield node, what + (": it changes nothing in place" if value.args or _method(value) else "")


def none_kept(function: Function) -> Found:
    """``x = xs.sort()``: the method works in place and returns None."""
    for node in scopes.body(function):
        value = node.value if isinstance(node, (ast.Assign, ast.Return)) else None
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            continue
        owner, name = value.func.value, value.func.attr
        same = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == ast.unparse(owner)
        if (name in _IN_PLACE and not value.args and isinstance(owner, ast.Name)) or (
            same and name in {"append", "extend", "sort", "reverse", "insert", "remove", "clear"}
        ):
            yield node, f"`{_quote(value)}` changes `{_quote(owner)}` in place and returns None"


def unused_parameter(function: Function, around: ast.AST, uses: Uses) -> Found:
    """Parameters that a function never reads, where nothing but its callers decides which it takes."""
    if not _is_plain(function, around, uses):
        return
    read = scopes.names(ast.walk(function), ast.Load) | scopes.names(ast.walk(function), ast.Del)
    own = scopes.parameters(function)
    for parameter in own[1:] if isinstance(around, ast.ClassDef) else own:
        if parameter.arg not in read and not parameter.arg.startswith(("_", "unused", "ignore")):
            yield function, f"the parameter `{parameter.arg}` is never used"


def overwritten_parameter(function: Function) -> Found:
    """A parameter that is assigned before anybody has read it."""
    if scopes.peeks(function):
        return
    given = {each.arg for each in scopes.parameters(function)} - scopes.shared(function)
    seen: set[str] = set()
    for statement in scopes.code(function):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name in given - seen - scopes.names(ast.walk(statement.value), ast.Load):
                yield statement, f"the parameter `{name}` is overwritten before it is read"
        seen |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if isinstance(statement, (ast.Return, ast.Raise)):
            return


def filled_in_vain(function: Function) -> Found:
    """A local list, dict or set that is filled, and a local number that is counted up, but never read."""
    if scopes.peeks(function):
        return
    nodes = list(ast.walk(function))
    filled = [(node, name) for node in nodes if (name := _filled(node))]
    receivers = {id(name) for _, name in filled}
    uses = [node for node in nodes if isinstance(node, ast.Name) and not _is_store(node)]
    vain = scopes.names(scopes.body(function), ast.Store) - scopes.shared(function)
    vain -= {each.arg for each in scopes.parameters(function)} | {
        n.id for n in uses if id(n) not in receivers
    }
    fresh = {name for statement in scopes.body(function) for name in _fresh(statement)}
    told: set[str] = set()
    for node, owner in filled:
        if owner.id in vain & fresh - told:
            told.add(owner.id)
            yield node, f"`{owner.id}` is filled but never read or returned"
    for node in nodes:
        counted = (
            node.target.id if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) else ""
        )
        if counted in vain - told - {owner.id for _, owner in filled}:
            told.add(counted)
            yield node, f"`{counted}` is counted but never read or returned"


def changed_while_iterated(function: Function) -> Found:
    """Items taken from or put into the very list that a ``for`` loop goes over."""
    for loop in scopes.body(function):
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, (ast.Name, ast.Attribute)):
            continue
        whole = ast.unparse(loop.iter)
        rebound = any(
            isinstance(node, (ast.Name, ast.Attribute)) and _is_store(node) and ast.unparse(node) == whole
            for node in scopes.own(*loop.body)
        )
        for statements in [] if rebound else scopes.blocks(*loop.body):
            yield from _shrunk(statements, whole)
        yield from () if rebound else _shrunk(loop.body, whole)


def same_recursion(function: Function, around: ast.AST) -> Found:
    """A call of itself with the very arguments it was given, which nothing has changed."""
    arguments = [each.arg for each in scopes.parameters(function)]
    method = isinstance(around, ast.ClassDef)
    inside = list(scopes.body(function))
    if not arguments[method:] or scopes.shared(function) or any(isinstance(n, ast.Try) for n in inside):
        return
    if scopes.names(inside, ast.Store) & set(arguments) or any(
        isinstance(n, (ast.Attribute, ast.Subscript)) and not isinstance(n.ctx, ast.Load) for n in inside
    ):
        return
    for node in inside:
        if not isinstance(node, ast.Call) or node.keywords:
            continue
        callee = node.func
        mine = (
            isinstance(callee, ast.Attribute)
            and isinstance(callee.value, ast.Name)
            and callee.value.id == arguments[0]
            and callee.attr == function.name
            if method
            else isinstance(callee, ast.Name) and callee.id == function.name
        )
        if mine and [ast.unparse(each) for each in node.args] == arguments[method:]:
            calls = [n for n in inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
            if not any(_root(n) in arguments and n is not node for n in calls):
                yield node, f"`{_quote(node)}` calls itself with the same arguments: it never ends"


def shared_default(function: Function) -> Found:
    """A list, dict or set as a default that the function changes: all calls share it."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(positional[::-1], arguments.defaults[::-1], strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False),
    ]
    fresh = {each.arg for each, default in pairs if default and ast.unparse(default) in {"[]", "{}", "set()"}}
    nodes = list(scopes.body(function))
    fresh -= scopes.names(nodes, ast.Store)
    for node in nodes:
        name = _filled(node)
        if name and name.id in fresh and not re.search(r"^_|cache|memo|seen", name.id):
            fresh.discard(name.id)
            yield function, f"all calls share the default of `{name.id}`, which is changed here: use None"


def same_twice(function: Function) -> Found:
    """A variable set to or compared with itself, a condition asked twice in one chain."""
    for node in scopes.body(function):
        if (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], (ast.Name, ast.Attribute))
        ):
            if ast.unparse(node.targets[0]) == ast.unparse(node.value):
                yield node, f"`{_quote(node)}` sets a variable to itself"
        elif (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and isinstance(node.left, (ast.Name, ast.Attribute))
        ):
            if not isinstance(node.ops[0], (ast.NotEq, ast.Eq)) and ast.unparse(node.left) == ast.unparse(
                node.comparators[0]
            ):
                yield node, f"`{_quote(node)}` compares a value with itself"
        elif isinstance(node, (ast.BoolOp, ast.BinOp)):
            yield from _same_operands(node)
        elif isinstance(node, ast.If):
            yield from _asked_twice(node)


def past_the_end(function: Function) -> Found:
    """``xs[i]`` where ``i`` runs up to ``len(xs)``."""
    for loop in scopes.body(function):
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
            continue
        index, over = loop.target.id, ast.unparse(loop.iter)
        for node in scopes.own(*loop.body):
            if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
                continue
            if not (isinstance(node.slice, ast.Name) and node.slice.id == index) or index in _asked(loop):
                continue
            length = f"len({ast.unparse(node.value)})"
            if over in (f"range({length} + 1)", f"range(0, {length} + 1)", f"range(1, {length} + 1)"):
                yield node, f"`{_quote(node)}` runs past the end: `{index}` goes up to `{length}`"
                break


def _statements(function: Function) -> Iterator[ast.stmt]:
    """Statements of the function that no ``with`` or ``try`` stands around: those may be there to fail."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(
            node, (ast.Try, ast.With, ast.AsyncWith, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            pending[:0] = [
                child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.match_case))
            ]


def _is_pure(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name:
        return name in _PURE_CALLS and bool(call.args)
    method = _method(call)
    if method not in _PURE_METHODS or call.keywords or len(call.args) not in _PURE_METHODS[method]:
        return False
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return not (isinstance(owner, ast.Name) and owner.id in {"self", "cls", "os", "shutil", "re", "string"})


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_plain(function: Function, around: ast.AST, uses: Uses) -> bool:
    """Whether a function's parameters are its own choice: not a method that overrides, not a callback."""
    if function.decorator_list or scopes.peeks(function) or function.name.startswith("__"):
        return False
    body = scopes.code(function)
    if len(body) < 2 or any(isinstance(node, ast.Raise) for node in body):
        return False
    if uses.defined[function.name] > 1 or function.name in uses.as_values:
        return False
    if isinstance(around, ast.ClassDef):
        return not around.bases and not uses.derives
    return isinstance(around, ast.Module)


def _is_store(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _filled(node: ast.AST) -> ast.Name | None:
    """The variable that a statement puts something into: ``x.append(1)``, ``x[k] = 1``."""
    owner: ast.expr | None = None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _method(node.value) in _FILLS:
        owner = node.value.func.value if isinstance(node.value.func, ast.Attribute) else None
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        owner = node.targets[0].value
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        owner = node.target.value
    return owner if isinstance(owner, ast.Name) else None


def _fresh(node: ast.AST) -> Iterator[str]:
    """Names that a statement sets to a new list, dict or set."""
    value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
    made = isinstance(value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)) or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _EMPTY
    )
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if made and len(targets) == 1 and isinstance(targets[0], ast.Name):
        yield targets[0].id


def _shrunk(statements: list[ast.stmt], whole: str) -> Found:
    """Statements that change what the loop goes over, where the loop does not end right after."""
    for index, statement in enumerate(statements):
        ends = any(isinstance(each, _LEAVE_LOOP) for each in statements[index + 1 :])
        if _shrinks(statement, whole) and not ends:
            yield (
                statement,
                f"`{whole}` is changed while the loop goes over it: go over a copy, `list({whole})`",
            )


def _shrinks(node: ast.stmt, whole: str) -> bool:
    call = node.value if isinstance(node, (ast.Expr, ast.Assign)) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        return call.func.attr in _SHRINKS and ast.unparse(call.func.value) == whole
    return isinstance(node, ast.Delete) and any(
        isinstance(each, ast.Subscript) and ast.unparse(each.value) == whole for each in node.targets
    )


def _same_operands(node: ast.BoolOp | ast.BinOp) -> Found:
    if isinstance(node, ast.BinOp):
        operands = (
            [node.left, node.right] if isinstance(node.op, (ast.Sub, ast.FloorDiv, ast.Mod, ast.Div)) else []
        )
        if any(not isinstance(each, (ast.Name, ast.Attribute)) for each in operands):
            return
    else:
        operands = [each for each in node.values if not any(isinstance(n, ast.Call) for n in ast.walk(each))]
    texts = [ast.unparse(each) for each in operands]
    if len(set(texts)) < len(texts):
        yield node, f"`{_quote(node)}` has the same operand twice"


def _asked_twice(node: ast.If) -> Found:
    seen: set[str] = set()
    chain: ast.If | None = node
    while chain is not None:
        text = ast.unparse(chain.test)
        if text in seen and not any(isinstance(n, (ast.Call, ast.NamedExpr)) for n in ast.walk(chain.test)):
            yield chain, f"`{text}` was asked before in the same chain: this branch never runs"
        seen.add(text)
        chain = chain.orelse[0] if len(chain.orelse) == 1 and isinstance(chain.orelse[0], ast.If) else None


def _asked(loop: ast.For) -> set[str]:
    """Names that conditions in the loop ask about."""
    tests = [node.test for node in scopes.own(*loop.body) if isinstance(node, (ast.If, ast.IfExp, ast.While))]
    return scopes.names((part for test in tests for part in ast.walk(test)), ast.Load)


def _root(call: ast.Call) -> str:
    node: ast.AST = call.func
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _quote(node: ast.AST) -> str:
    text = ast.unparse(node).split("\n")[0]
    return text if len(text) <= 60 else text[:57] + "..."
