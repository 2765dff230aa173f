"""What a failed test statement is about: an expression, the value it should have and the value it had.

It bridges the statement as it stands in the test file and what pytest printed of its values. The expression comes from
the file, since pytest leaves it out where it compares two lists or two texts. Nothing is evaluated here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

_WHERE = re.compile(r"^\+\s+where (?P<value>.+) = (?P<call>.+)$")
_SIGNS: dict[type[ast.cmpop], str] = {ast.Eq: " == ", ast.Is: " is "}


@dataclass(frozen=True)
class Claim:
    """As in a Finding; "" for what is not known. complete: whether pytest's own words would add nothing."""

    expression: str
    expected: str = ""
    got: str = ""
    complete: bool = False


def claim(tree: ast.Module, statement: ast.stmt, said: Sequence[str]) -> Claim:
    """What a statement of a test file claims. said: what pytest told of the failure, line by line, cleaned.

    Where something else than the assertion failed, there is no value that was had.
    """
    if not isinstance(statement, ast.Assert):
        return Claim(ast.unparse(statement).split("\n", 1)[0])
    test, shown = statement.test, _explained(said)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _SIGNS:
        return _equality(tree, test, shown, said)
    if isinstance(test, ast.Compare | ast.BoolOp):
        return Claim(ast.unparse(test), "True", "False" if shown else "")
    denied = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    inner = test.operand if isinstance(test, ast.UnaryOp) and denied else test
    got = shown.removeprefix("not ").strip("()") if denied else shown
    return Claim(_named(tree, inner, got, said), _truth(not denied, got), got, bool(got))


def _explained(said: Sequence[str]) -> str:
    """What stands behind "assert" in pytest's words; "" where it was no assertion, or pytest did not rewrite it."""
    lines = (line.removeprefix("AssertionError: ") for line in said)
    return next((line.removeprefix("assert ") for line in lines if line.startswith("assert ")), "")


def _equality(tree: ast.Module, test: ast.Compare, shown: str, said: Sequence[str]) -> Claim:
    """The side that calls something is what is tested; the left one, where both do or none."""
    left, right = test.left, test.comparators[0]
    had, wanted = _sides(shown, _SIGNS[type(test.ops[0])])
    if (_calls(right) and not _calls(left)) or (_is_literal(left) and not _is_literal(right)):
        left, right, had, wanted = right, left, wanted, had
    expected = ast.unparse(right) if _is_literal(right) else wanted
    return Claim(_named(tree, left, had, said), expected, had, bool(expected and had))


def _sides(shown: str, sign: str) -> tuple[str, str]:
    """The two values of a comparison; "" for both where it is not sure where one ends."""
    places = [found.start() for found in re.finditer(re.escape(sign), shown)]
    pairs = [(shown[:at], shown[at + len(sign) :]) for at in places]
    if len(pairs) > 1:  # a sign within a text
        pairs = [pair for pair in pairs if all(_parses(side) for side in pair)]
    return pairs[0] if len(pairs) == 1 else ("", "")


def _named(tree: ast.Module, node: ast.expr, value: str, said: Sequence[str]) -> str:
    """The expression in the test's words, or in pytest's, which have values in the place of names."""
    found = _assigned(tree, node) if isinstance(node, ast.Name) else node
    if not _arguments_named(found):
        return ast.unparse(found)
    wheres = (where for line in said if (where := _WHERE.match(line)))
    return next((where["call"] for where in wheres if where["value"] == value), ast.unparse(found))


def _assigned(tree: ast.Module, name: ast.Name) -> ast.expr:
    """The call whose result was last given to a name before it is used; the name itself where there is none."""
    best: ast.Assign | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.lineno < name.lineno and _gives(node, name.id):
            best = node if best is None or node.lineno > best.lineno else best
    return best.value if best is not None and isinstance(best.value, ast.Call) else name


def _gives(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _arguments_named(node: ast.expr) -> bool:
    """Whether an expression needs the value of a name other than those that it calls, or calls methods of."""
    called = {
        id(part) for call in ast.walk(node) if isinstance(call, ast.Call) for part in ast.walk(call.func)
    }
    return any(isinstance(part, ast.Name) and id(part) not in called for part in ast.walk(node))


def _calls(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) for part in ast.walk(node))


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _parses(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _truth(wanted: bool, got: str) -> str:
    if got in ("True", "False", ""):
        return str(wanted)
    return f"a value that is {'true' if wanted else 'false'}"
