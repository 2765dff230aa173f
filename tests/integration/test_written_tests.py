"""Tests that were written for a file, really run: on a copy, with and without pytest, isolated and not."""

from __future__ import annotations

import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandboxes import BOTH, digests, needs_namespaces
from vivek.cancel import CancelToken
from vivek.context.ignore import Ignore
from vivek.verify.mutants import mutants_of
from vivek.verify.report import Finding, Report
from vivek.verify.verifier import ProjectVerifier, Subject

CODE = "def clamp(x, low, high):\n    if x < low:\n        return low\n    return min(x, high)\n"
GOOD = (
    "from shop.limits import clamp\n\n\ndef test_low():\n    assert clamp(0, 1, 3) == 1\n\n\n"
    "class TestClamp:\n    def test_high(self):\n        assert clamp(9, 1, 3) == 3\n"
)
BY_UNITTEST = GOOD.replace("class TestClamp:", "class TestClamp(unittest.TestCase):").replace(
    "from", "import unittest\nfrom", 1
)
WRONG = "\n\ndef test_wrong():\n    assert clamp(9, 1, 3) == 9\n"
FIXTURE = "import pytest\n\n\n@pytest.fixture\ndef high():\n    return 3\n"

Made = Callable[..., ProjectVerifier]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has no pytest."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture
def verifier(tmp_path: Path) -> Iterator[Made]:
    root = tmp_path / "project"
    files = {
        "src/shop/__init__.py": "",
        "src/shop/limits.py": CODE,
        ".gitignore": "x\n",
        "tests/conftest.py": FIXTURE,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    before = digests(root)

    def make(isolate: bool, python: Path = Path(sys.executable)) -> ProjectVerifier:
        needs_namespaces(isolate)
        file = root / "src/shop/limits.py"
        subject = Subject(file, root, CODE, "python", python, Ignore(root).excluded)
        return ProjectVerifier(subject, run_examples=True, test="", isolate=isolate)

    yield make
    assert digests(root) == before


def ran(verifier: ProjectVerifier, tests: str, text: str = CODE) -> tuple[Finding, ...]:
    report: Report = verifier.run_tests(text, tests, CancelToken())
    assert report.ran, report.why_not
    return report.findings


@pytest.mark.parametrize("isolate", BOTH)
def test_each_test_is_told_by_its_name(verifier: Made, isolate: bool) -> None:
    found = ran(verifier(isolate), GOOD + WRONG)
    assert {finding.source: finding.passed for finding in found} == {
        "test_low": True,
        "TestClamp.test_high": True,
        "test_wrong": False,
    }
    wrong = next(finding for finding in found if not finding.passed)
    assert (wrong.expression, wrong.got, wrong.expected) == ("clamp(9, 1, 3)", "3", "9")


@pytest.mark.parametrize("isolate", BOTH)
@pytest.mark.parametrize("tests", [GOOD, BY_UNITTEST])
def test_without_pytest_functions_and_test_cases_are_run_all_the_same(
    verifier: Made, bare_python: Path, isolate: bool, tests: str
) -> None:
    found = ran(verifier(isolate, bare_python), tests + WRONG)
    told = {finding.source: finding.passed for finding in found}
    assert told.pop("test_wrong") is False
    assert told.pop("test_low") is True
    assert told == ({"TestClamp.test_high": True} if tests == BY_UNITTEST else {})
    assert next(finding.error for finding in found if not finding.passed).startswith("AssertionError")


@pytest.mark.parametrize("isolate", BOTH)
def test_tests_have_the_fixtures_of_the_folder_that_they_are_for(verifier: Made, isolate: bool) -> None:
    made = verifier(isolate)
    tests = "from shop.limits import clamp\n\n\ndef test_high(high):\n    assert clamp(9, 1, high) == 3\n"
    for folder, passed in ((Path("tests"), True), (Path(), False), (Path("../.."), False)):
        report = made.run_tests(CODE, tests, CancelToken(), folder)
        assert [finding.passed for finding in report.findings] == [passed]


def test_good_tests_notice_broken_copies(verifier: Made) -> None:
    made = verifier(False)
    caught = [
        any(not finding.passed for finding in ran(made, GOOD, mutant.text))
        for mutant in mutants_of(CODE, 1, 4)
    ]
    assert len(caught) >= 3
    assert sum(caught) >= len(caught) - 1  # `x <= low` gives the same


@pytest.mark.parametrize(
    ("tests", "error"),
    [
        ("from nowhere import clamp\n\n\ndef test_a():\n    assert clamp\n", "nowhere"),
        ("x = 1\n", ""),
        ("import time\n\n\ndef test_a():\n    time.sleep(600)\n", "did not end"),
    ],
)
def test_what_cannot_be_run_to_its_end_is_one_failure(
    verifier: Made, tests: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivek.verify.writing._SECONDS", 4.0)
    found = ran(verifier(False), tests)
    assert not any(finding.passed for finding in found)
    assert error in found[0].error


def test_only_python_is_run(tmp_path: Path) -> None:
    subject = Subject(tmp_path / "a.js", tmp_path, "", "javascript", Path(sys.executable))
    report = ProjectVerifier(subject, run_examples=True, test="").run_tests("", "x", CancelToken())
    assert (report.ran, report.why_not) == (False, "only tests of Python can be run")
