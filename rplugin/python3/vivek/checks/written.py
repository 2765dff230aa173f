"""Checks of tests that were written, by their text alone: they parse, they are tests, they use what they test.

Whether they pass, and whether they would notice a fault, is for who runs them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from vivek.checks.edit import Check, Edit, failed, passed, python_tree
from vivek.checks.syntax import check_syntax

HAS_TESTS, USES = "has tests", "uses the code"

_TESTS_WEIGHT = 0.7
_USES_WEIGHT = 0.5

_ASSERTS = re.compile(
    r"\b(?:assert\w*|expect|should\w*|t\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)|require\.\w+|is\.\w+|raise\w*"
    r"|EXPECT_\w+|ASSERT_\w+|CHECK|REQUIRE|luaunit\.\w+|MiniTest\.\w+|panic)\b"
)


def check_tests(tests: str, filetype: str, names: Collection[str] = ()) -> list[Check]:
    """The checks of a text of tests. names: the definitions that they are to test, of which one is enough."""
    checks = [_parses(tests, filetype), check_has_tests(tests, filetype)]
    if names:
        checks.append(_uses(tests, names))
    return checks


def _parses(tests: str, filetype: str) -> Check:
    lines = tests.count("\n") + 1
    return check_syntax(Edit("", tests, filetype, 1, 0, 1, lines, ""))


def check_has_tests(tests: str, filetype: str) -> Check:
    """Fails where there is no test, or nothing that is compared."""
    tree = python_tree(tests) if filetype == "python" else None
    if tree is not None:
        functions = [
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test")
        ]
        if not functions:
            return failed(
                HAS_TESTS, _TESTS_WEIGHT, "There is no test: write functions whose names begin with `test_`."
            )
    if not _ASSERTS.search(tests):
        return failed(
            HAS_TESTS,
            _TESTS_WEIGHT,
            "The tests check nothing: compare each result with the value it should have.",
        )
    return passed(HAS_TESTS, _TESTS_WEIGHT)


def _uses(tests: str, names: Collection[str]) -> Check:
    """Importing a name is not using it."""
    lines = [
        line
        for line in tests.split("\n")
        if not re.match(r"\s*(?:from\s.+\simport|import|use|#include)\b", line)
    ]
    body = "\n".join(lines)
    if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", body) for name in names):
        return passed(USES, _USES_WEIGHT)
    wanted = " or ".join(f"`{name}`" for name in names)
    return failed(USES, _USES_WEIGHT, f"The tests never use {wanted}, which they are to test.")
