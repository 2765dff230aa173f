"""What pytest's report says of each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.verify.junit import findings_in
from vivek.verify.report import Finding

_CASE = "<testsuites><testsuite>{}</testsuite></testsuites>"


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


def test_an_equality_with_its_call_is_told_by_its_values(tmp_path: Path) -> None:
    text = (
        "test_a.py:4: in test_x\n    assert add(1, 2) == 3\nE   assert -1 == 3\nE    +  where -1 = add(1, 2)"
    )
    finding = failing(tmp_path, text)
    assert (finding.expression, finding.expected, finding.got) == ("add(1, 2)", "3", "-1")
    assert finding.source == "test_a.test_x"
    assert finding.error == "assert -1 == 3\n+  where -1 = add(1, 2) (test_a.py:4)"


def test_the_call_may_stand_on_the_right(tmp_path: Path) -> None:
    text = "E   AssertionError: assert 3 == -1\nE    +  where -1 = add(1, 2)"
    finding = failing(tmp_path, text)
    assert (finding.expression, finding.expected, finding.got) == ("add(1, 2)", "3", "-1")


@pytest.mark.parametrize(
    "text",
    [
        "E   ZeroDivisionError: division by zero",
        "E   assert 1 &lt; 0",
        "E   assert 1 == 2",
        "E   assert False\nE    +  where False = f(1)",
        "E   assert [1, ...] == [2, 3",
    ],
)
def test_anything_else_is_told_as_it_is(tmp_path: Path, text: str) -> None:
    finding = failing(tmp_path, text)
    assert (finding.expression, finding.expected, finding.got) == ("test_a.test_x", "", "")
    assert finding.error.startswith(text.split("\n", 1)[0].removeprefix("E   ").replace("&lt;", "<"))


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
