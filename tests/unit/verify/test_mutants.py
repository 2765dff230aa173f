"""Broken copies of code: each parses, differs, and has one fault in the lines that were named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.verify import mutants
from vivek.verify.mutants import MOST, mutants_of

SOURCE = Path(mutants.__file__).read_text(encoding="utf-8")


def of(code: str) -> set[str]:
    return {mutant.text.rstrip("\n") for mutant in mutants_of(code, 1, code.count("\n") + 1, most=50)}


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a == b", {"x = a != b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a + b", {"x = a - b"}),
        ("x = a // b", {"x = a * b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = 3", {"x = 4"}),
        ("x = True", set()),
        ("x = 'text'", set()),
        ("x = f'{a:3}'", set()),
        ("def f():\n    return x", {"def f():\n    return None"}),
        ("def f():\n    return", set()),
        ("def f():\n    return None", set()),
        ("def f() -> Literal[3]:\n    pass", set()),
        ("x: Literal[3]", set()),
        ("x += y", {"pass"}),
        ("log(y)", {"pass"}),
        ("raise E", {"pass"}),
        ("if a:\n    b", {"if not a:\n    b"}),
        ("x = b if a else c", {"x = b if not a else c"}),
    ],
)
def test_each_kind_of_fault(code: str, broken: set[str]) -> None:
    assert of(code) == broken


def test_faults_of_all_kinds_come_before_more_of_one_kind() -> None:
    code = "def f(a, b):\n    if a < 1 + b:\n        return a + 2 + b\n    return a - 3\n"
    found = mutants_of(code, 1, 4)
    kinds = [mutant.fault for mutant in found]
    assert len(found) == MOST
    assert len(set(kinds[:5])) == 5
    assert set(kinds) == set(kinds[:5])


def test_only_the_named_lines_are_broken() -> None:
    code = "def f(a):\n    return a + 1\n\n\ndef g(a):\n    return a + 1\n"
    found = mutants_of(code, 5, 6)
    assert found
    assert all(mutant.line == 6 for mutant in found)
    assert all(mutant.text.startswith("def f(a):\n    return a + 1\n") for mutant in found)


@given(st.integers(1, SOURCE.count("\n")), st.integers(0, 60))
def test_a_copy_parses_and_differs_and_the_same_ones_come_each_time(first: int, length: int) -> None:
    found = mutants_of(SOURCE, first, first + length)
    whole = ast.unparse(ast.parse(SOURCE)) + "\n"
    texts = [mutant.text for mutant in found]
    assert len(set(texts)) == len(texts) <= MOST
    assert whole not in texts
    for mutant in found:
        ast.parse(mutant.text)
        assert first <= mutant.line <= first + length
    assert mutants_of(SOURCE, first, first + length) == found


@given(st.text())
def test_any_text_gives_copies_that_parse_or_none(text: str) -> None:
    for mutant in mutants_of(text, 1, text.count("\n") + 1):
        ast.parse(mutant.text)
