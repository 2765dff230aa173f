"""What pytest's report says of each test."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.verify.junit import findings_in, readable
from vivek.verify.report import Finding

_CASE = "<testsuites><testsuite>{}</testsuite></testsuites>"
AREA = "<function area at 0x7fad561165c0>"


def read(tmp_path: Path, cases: str) -> list[Finding]:
    report = tmp_path / "report.xml"
    report.write_text(_CASE.format(cases))
    return findings_in(report)


def failing(tmp_path: Path, text: str) -> Finding:
    (finding,) = read(
        tmp_path,
        f'<testcase classname="test_a" name="test_x"><failure message="m">{text}</failure></testcase>',
    )
    return finding


def asserting(tmp_path: Path, statement: str, said: str, *, before: str = "") -> Finding:
    """The finding of a test of one statement, of which pytest said something."""
    lines = ["def test_x():", *(f"    {line}" for line in before.splitlines()), f"    {statement}"]
    (tmp_path / "test_a.py").write_text("\n".join(lines) + "\n")
    told = "\n".join(f"E   {line}".rstrip() for line in said.split("\n"))
    return failing(tmp_path, escape(f"test_a.py:{len(lines)}: in test_x\n    {statement}\n{told}"))


@pytest.mark.parametrize(
    ("statement", "said", "told"),
    [
        ("assert add(1, 2) == 3", "assert -1 == 3\n +  where -1 = add(1, 2)", ("add(1, 2)", "3", "-1")),
        ("assert 3 == add(1, 2)", "assert 3 == -1\n +  where -1 = add(1, 2)", ("add(1, 2)", "3", "-1")),
        ("assert area(2) == 4", f"assert 6 == 4\n +  where 6 = {AREA}(2)", ("area(2)", "4", "6")),
        ("assert area(x) == 4", f"assert 6 == 4\n +  where 6 = {AREA}(2)", ("area(2)", "4", "6")),
        (
            "assert pair(1) == [1, 1]",
            "AssertionError: assert [1] == [1, 1]\n\nFull diff:\n  [",
            ("pair(1)", "[1, 1]", "[1]"),
        ),
        (
            "assert word() == 'a == b'",
            "assert 'c == d' == 'a == b'\n\n- a",
            ("word()", "'a == b'", "'c == d'"),
        ),
        ("assert find(1) is None", "assert 0 is None\n +  where 0 = find(1)", ("find(1)", "None", "0")),
        ("assert good(1)", f"assert False\n +  where False = {AREA}(1)", ("good(1)", "True", "False")),
        ("assert not good(1)", "assert not True\n +  where True = good(1)", ("good(1)", "False", "True")),
        (
            "assert good(1)",
            "assert None\n +  where None = good(1)",
            ("good(1)", "a value that is true", "None"),
        ),
        (
            "assert make() == Box()",
            "assert None == <a.Box object at 0x7f12>",
            ("make()", "<a.Box object>", "None"),
        ),
    ],
)
def test_an_assertion_is_told_by_its_call_and_its_values(
    tmp_path: Path, statement: str, said: str, told: tuple[str, str, str]
) -> None:
    finding = asserting(tmp_path, statement, said)
    assert (finding.expression, finding.expected, finding.got) == told
    assert (finding.source, finding.error) == ("test_a.test_x", "")


def test_a_name_stands_for_the_call_that_gave_it(tmp_path: Path) -> None:
    finding = asserting(
        tmp_path, "assert got == 3", "assert 1 == 3", before="got = len('abc')\ngot = len('a')"
    )
    assert (finding.expression, finding.expected, finding.got) == ("len('a')", "3", "1")


def test_any_other_comparison_is_told_with_what_pytest_said(tmp_path: Path) -> None:
    finding = asserting(
        tmp_path,
        "assert f(1) < 3, 'too large'",
        "AssertionError: too large\nassert 5 < 3\n +  where 5 = f(1)",
    )
    assert (finding.expression, finding.expected, finding.got) == ("f(1) < 3", "True", "False")
    assert finding.error == "AssertionError: too large\nassert 5 < 3\n+  where 5 = f(1)"


def test_an_error_in_the_tested_code_is_told_with_its_line_there(tmp_path: Path) -> None:
    said = "a.py:7: in half\n    return a / b\nE   ZeroDivisionError: division by zero"
    (tmp_path / "test_a.py").write_text("def test_x():\n    assert half(1, 0) == 3\n")
    finding = failing(tmp_path, f"test_a.py:2: in test_x\n    assert half(1, 0) == 3\n{said}")
    assert (finding.expression, finding.expected, finding.got) == ("half(1, 0)", "3", "")
    assert finding.error == "ZeroDivisionError: division by zero (a.py:7: `return a / b`)"


def test_long_values_lose_their_middle(tmp_path: Path) -> None:
    finding = asserting(tmp_path, "assert f() == 1", f"assert {list(range(1000))} == 1")
    assert len(finding.got) <= 240
    assert finding.got.startswith("[0, 1, 2,")
    assert finding.got.endswith("998, 999]")


@pytest.mark.parametrize(
    "place", ["", "../test_a.py:1: in test_x\n", "gone.py:1: in test_x\n", "test_x.py:9: in x\n"]
)
def test_without_the_statement_it_is_told_by_the_tests_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "test_x.py").write_text("pass\n")
    finding = failing(tmp_path, f"{place}E   assert 1 == 2")
    assert (finding.expression, finding.expected, finding.got) == ("test_a.test_x", "", "")
    assert finding.error == "assert 1 == 2"


@pytest.mark.parametrize(
    ("text", "readable_text"),
    [
        ("<function area at 0x7fad561165c0>(2)", "area(2)"),
        ("<function made.<locals>.inner at 0x7f>()", "inner()"),
        ("<bound method Box.get of <a.Box object at 0x7f>>()", "Box.get()"),
        ("<built-in method lower of str object at 0x7f>()", "lower()"),
        ("<class 'a.b.Box'>(1)", "Box(1)"),
        ("[<a.Box object at 0x7f>]", "[<a.Box object>]"),
        ("1 < 2 > 0x7f", "1 < 2 > 0x7f"),
    ],
)
def test_callables_are_told_by_name(text: str, readable_text: str) -> None:
    assert readable(text) == readable_text


def test_tests_that_pass_are_findings_and_those_skipped_are_none(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '<testcase name="a"/><testcase name="b"><skipped/></testcase><testcase name="c"><error message="gone"/></testcase>',
    )
    assert [(one.expression, one.passed, one.error) for one in found] == [
        ("a", True, ""),
        ("c", False, "gone"),
    ]


@pytest.mark.parametrize("content", ["", "<testsuites>", "no xml"])
def test_a_report_that_cannot_be_read_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.xml").write_text(content)
    assert findings_in(tmp_path / "r.xml") == []
    assert findings_in(tmp_path / "missing.xml") == []


@given(text=st.text(alphabet="E assertwhere=+0123()[]'\n", max_size=100))
def test_any_failure_text_can_be_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    assert not failing(tmp_path_factory.mktemp("junit"), text).passed


@given(
    statement=st.text(alphabet="assert f(x)==is not'1[]<", max_size=40),
    said=st.text(alphabet="assert =is'1[]+where", max_size=60),
)
def test_any_statement_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, statement: str, said: str
) -> None:
    assert not asserting(tmp_path_factory.mktemp("junit"), statement, f"assert {said}").passed
