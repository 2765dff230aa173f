"""Tests that are written as pytest's functions, as a project that uses unittest has them: methods of a test case.

It changes what it can tell exactly: plain functions without fixtures, their ``assert`` and ``pytest.raises``. Anything
else stays as it is.
"""

from __future__ import annotations

import ast
import re

from vivek.edits.imports import add_imports
from vivek.edits.python_source import tree
from vivek.edits.strings import interior_lines

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "assertEqual",
    ast.NotEq: "assertNotEqual",
    ast.Lt: "assertLess",
    ast.LtE: "assertLessEqual",
    ast.Gt: "assertGreater",
    ast.GtE: "assertGreaterEqual",
    ast.In: "assertIn",
    ast.NotIn: "assertNotIn",
    ast.Is: "assertIs",
    ast.IsNot: "assertIsNot",
}

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def as_test_case(tests: str, name: str) -> str:
    """The tests with their plain functions as methods of a test case of this name, below what they need.

    The text as it is where it does not parse, or where any of its functions needs pytest.
    """
    functions = _functions(tests)
    if not functions or any(not _is_plain(node) for node in functions):
        return tests
    tests = _with_unittest(tests)
    lines, functions = tests.split("\n"), _functions(tests)
    methods = [_method(lines, node) for node in functions]
    gone = {k for node in functions for k in range(node.lineno - 1, node.end_lineno or node.lineno)}
    rest = [line for k, line in enumerate(lines) if k not in gone]
    if not any("pytest." in text for text in [*rest, *methods]):
        rest = [line for line in rest if line.strip() != "import pytest"]
    head = "\n".join(rest).strip()
    case = f"class {name}(unittest.TestCase):\n" + "\n\n".join(methods) + "\n"
    return f"{head}\n\n\n{case}"


def _functions(tests: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top level that are tests."""
    module = tree(tests)
    body = module.body if module else []
    return [node for node in body if isinstance(node, _Function) and node.name.startswith("test")]


def _with_unittest(tests: str) -> str:
    """The text with ``import unittest``, as a module of Python's own above others."""
    module = tree(tests)
    body = module.body if module else []
    first = next((node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))), None)
    if (
        first is None
        or re.search(r"^import unittest$", tests, re.MULTILINE)
        or "__future__" in ast.unparse(first)
    ):
        return add_imports(tests, ["import unittest"], "python")
    lines = tests.split("\n")
    return "\n".join([*lines[: first.lineno - 1], "import unittest", *lines[first.lineno - 1 :]])


def case_name(subject: str) -> str:
    """What a test case for a definition is called.

    >>> case_name("parse_date"), case_name("Cart"), case_name("_area")
    ('TestParseDate', 'TestCart', 'TestArea')
    """
    return "Test" + "".join(part[:1].upper() + part[1:] for part in subject.split("_") if part)


def _is_plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function needs nothing of pytest but ``raises`` and ``approx``."""
    arguments = node.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if taken or node.decorator_list or not isinstance(node, ast.FunctionDef):
        return False
    return all(
        part.attr in ("raises", "approx")
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "pytest"
    )


def _method(lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """A function as a method, indented."""
    first, last = node.lineno - 1, node.end_lineno or node.lineno
    text = "\n".join(lines[first:last])
    changes = [change for part in ast.walk(node) for change in _changes(part)]
    for part, new in sorted(
        changes, key=lambda change: (change[0].lineno, change[0].col_offset), reverse=True
    ):
        text = _replaced(text, part, new, first)
    text = text.replace(f"def {node.name}()", f"def {node.name}(self)", 1)
    skip = interior_lines(text, "python")
    return "\n".join(
        line if k in skip or not line.strip() else f"    {line}" for k, line in enumerate(text.split("\n"))
    )


def _changes(part: ast.AST) -> list[tuple[ast.stmt | ast.expr, str]]:
    if isinstance(part, ast.Assert):
        return [(part, _asserted(part))]
    if isinstance(part, (ast.With, ast.AsyncWith)):
        return [(item.context_expr, new) for item in part.items if (new := _raising(item.context_expr))]
    return []


def _asserted(node: ast.Assert) -> str:
    """An ``assert`` as a call of the test case's own."""
    test, said = node.test, [ast.unparse(node.msg)] if node.msg else []
    call, values = "assertTrue", [test]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        call, values = "assertFalse", [test.operand]
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        op, left, right = test.ops[0], test.left, test.comparators[0]
        call, values = _COMPARED[type(op)], [left, right]
        if _is_none(right) and isinstance(op, (ast.Is, ast.IsNot)):
            call, values = f"{call}None", [left]
        elif isinstance(op, ast.Eq) and (near := _approximated(right)) is not None:
            call, values = "assertAlmostEqual", [left, near]
    return f"self.{call}({', '.join([*map(ast.unparse, values), *said])})"


def _raising(node: ast.expr) -> str:
    """``pytest.raises`` as the test case has it; "" for anything else."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises" and node.args):
        return ""
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    kind = ast.unparse(node.args[0])
    if not said:
        return f"self.assertRaises({kind})"
    return f"self.assertRaisesRegex({kind}, {said['match']})" if set(said) == {"match"} else ""


def _approximated(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.approx" and len(node.args) == 1:
        return None if node.keywords else node.args[0]
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _replaced(text: str, part: ast.stmt | ast.expr, new: str, first: int) -> str:
    """The text with another in the place of a node; `first`: the line (0-based) of the source that it begins with."""
    lines = text.split("\n")
    row, end = part.lineno - 1 - first, (part.end_lineno or part.lineno) - 1 - first
    head = lines[row].encode()[: part.col_offset].decode()
    tail = lines[end].encode()[part.end_col_offset or 0 :].decode()
    return "\n".join([*lines[:row], head + new + tail, *lines[end + 1 :]])
