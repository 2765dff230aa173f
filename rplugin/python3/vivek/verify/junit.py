"""Reads pytest's JUnit report: which tests passed, and the values of the assertions that failed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

from vivek.verify.report import Finding

_LONGEST = 400
_MOST_BYTES = 4 << 20
_SAID = re.compile(r"^E +(.*)$", re.MULTILINE)
_WHERE = re.compile(r"^\+\s+where (?P<value>.+) = (?P<call>.+)$")
_PLACE = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+): ", re.MULTILINE)


def findings_in(report: Path) -> list[Finding]:
    """A finding for each test that ran; [] where there is no report."""
    try:
        if report.is_symlink() or report.stat().st_size > _MOST_BYTES:
            return []
        tree = ElementTree.parse(report)
    except (OSError, ElementTree.ParseError):
        return []
    return [finding for case in tree.iter("testcase") if (finding := _finding(case)) is not None]


def _finding(case: ElementTree.Element) -> Finding | None:
    name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
    if case.find("skipped") is not None:
        return None
    fault = case.find("failure")
    if fault is None:
        fault = case.find("error")
    if fault is None:
        return Finding(name, "", "", "", passed=True, source=name)
    said = [line.strip() for line in _SAID.findall(fault.text or "")] or [fault.get("message") or "it failed"]
    expression, expected, got = _values(said)
    error = _short("\n".join(said)) + _place(fault.text or "")
    return Finding(expression or name, expected, got, error, passed=False, source=name)


def _values(said: list[str]) -> tuple[str, str, str]:
    """The call, the value it should have and the value it had, of ``assert 3 == 4`` and ``where 3 = add(1, 1)``.

    "" for all three where the assertion says anything else.
    """
    sides = _sides(
        next((line for line in said if line.removeprefix("AssertionError: ").startswith("assert ")), "")
    )
    where = next((found for line in said if (found := _WHERE.match(line))), None)
    if sides is None or where is None:
        return "", "", ""
    left, right = sides
    if _plain(where["value"]) == left:
        return where["call"], right, left
    return (where["call"], left, right) if _plain(where["value"]) == right else ("", "", "")


def _sides(line: str) -> tuple[str, str] | None:
    try:
        node = ast.parse(line.removeprefix("AssertionError: ")).body[0] if line else None
    except (SyntaxError, ValueError):  # pytest shortens what is long
        return None
    test = node.test if isinstance(node, ast.Assert) else None
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return ast.unparse(test.left), ast.unparse(test.comparators[0])
    return None


def _plain(text: str) -> str:
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError):
        return text


def _place(text: str) -> str:
    """The last place that the traceback names, as " (test_a.py:7)"."""
    places = [f"{found['file']}:{found['line']}" for found in _PLACE.finditer(text)]
    return f" ({places[-1]})" if places else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
