"""Reads lines such as ``add(1, 2) == 3``, ``add(1, 2) -> 3`` or "add(1, 2) returns 3." out of prose.

Only a line that is nothing but a call and its value counts, with a bullet or "Example:" before it at most. In
``f(x) -> int`` the value is a type, and in ``f(n) == f(n - 1)`` nothing says what n is: neither is an example.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from vivek.verify.names import Known, free_names

_LONGEST = 1000

_BEFORE = re.compile(
    r"^(?:[-*•]\s+|\(?\d+[.)]\s+|(?:for\s+)?examples?\s*(?:\d+\s*)?[:.]?\s+|e\.g\.[:,]?\s+|ex\s*[.:]\s*|assert\s+)+",
    re.IGNORECASE,
)
_CALL = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*\(")
_ARROW = r"=+>|-+>|➞|→|⇒|⟶|➔|↦"
_BETWEEN = re.compile(rf"\s*(?:(?P<equal>==)|#?\s*(?:{_ARROW})|#?\s*(?:should\s+)?returns?\b:?)\s*")
_NEXT_LINE = re.compile(rf"\s*(?:#\s*)?(?:{_ARROW})\s*")
_AFTER = re.compile(r"(?:\s+#.*|\s*[.,;])$")
_CODE_QUOTES = re.compile(r"`+")

_TEXT_WITH_BACKTICK = re.compile(r"['\"][^'\"]*`")


def inline_examples(text: str, known: Known) -> Iterator[tuple[str, str]]:
    """The calls and the expected values in a docstring or comment, both as Python expressions."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        cleaned = _cleaned(line)
        if not _CALL.match(cleaned):
            continue
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        yield from _split(cleaned, following, known)


def _cleaned(line: str) -> str:
    line = line.strip()
    if len(line) > _LONGEST or line.startswith((">>>", "...")):
        return ""
    if "`" in line and not _TEXT_WITH_BACKTICK.search(line):
        line = _CODE_QUOTES.sub("", line)
    return _BEFORE.sub("", line)


def _split(line: str, following: str, known: Known) -> Iterator[tuple[str, str]]:
    """The call and the value of a line; several, where a comma separates them."""
    several = _comparisons(line)
    if several:
        yield from ((call, value) for call, value in several if _is_example(call, value, known, loose=True))
        return
    for end in (found.end() for found in re.finditer(r"[)\]]", line)):
        call, rest = line[:end], line[end:]
        if not _is_call(call):
            continue
        between = _BETWEEN.match(rest)
        if between is None and not rest.strip():
            between, rest = _NEXT_LINE.match(following), following
        if between is None:
            continue
        loose = between.groupdict().get("equal") is not None
        for value in _values(rest[between.end() :]):
            if _is_example(call, value, known, loose=loose):
                yield call, value
                return


def _comparisons(line: str) -> list[tuple[str, str]]:
    """The sides of ``a(1) == 2, a(2) == 3``; [] where the line is not just that."""
    node = _expression(_AFTER.sub("", line))
    parts = node.elts if isinstance(node, ast.Tuple) else []
    sides = []
    for part in parts:
        if not (isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.ops[0], ast.Eq)):
            return []
        sides.append((ast.unparse(part.left), ast.unparse(part.comparators[0])))
    return [] if any(not _is_call(call) for call, _ in sides) else sides


def _values(text: str) -> Iterator[str]:
    """What the value may be: without the full stop or the comment after it, or all that there is."""
    whole = text.strip()
    shorter = _AFTER.sub("", whole)
    yield from dict.fromkeys((shorter, _AFTER.sub("", shorter), whole))


def _is_call(text: str) -> bool:
    """Whether it is a call of a plain name, or something that is done with such a call's result."""
    node = _expression(text)
    called = False
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        called = called or isinstance(node, ast.Call)
        node = node.func if isinstance(node, ast.Call) else node.value
    return called and isinstance(node, ast.Name)


def _is_example(call: str, value: str, known: Known, *, loose: bool) -> bool:
    """Whether both sides mean something by themselves. After ``==`` the value may be any expression (loose)."""
    sides = [_expression(call), _expression(value)]
    if sides[0] is None or sides[1] is None:
        return False
    if not (loose or _is_value(sides[1])):
        return False
    return not any(isinstance(node, ast.Compare) for node in sides) and all(
        side is not None and known.has_all(free_names(side)) for side in sides
    )


def _is_value(node: ast.expr) -> bool:
    """A literal, in which calls may stand, as in ``[Point(1, 2)]``; no type, no ellipsis."""
    if isinstance(node, ast.Constant):
        return node.value is not Ellipsis
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(_is_value(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_value(key) for key in node.keys) and all(
            map(_is_value, node.values)
        )
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd)) and _is_value(node.operand)
    if isinstance(node, ast.BinOp):  # a complex number
        return isinstance(node.op, (ast.Add, ast.Sub)) and _is_value(node.left) and _is_value(node.right)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
