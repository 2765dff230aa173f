"""How the user's test command is called, and what its end says."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import VerifyUnavailableError
from vivek.verify.command import judge, prepared
from vivek.verify.report import Finding
from vivek.verify.sandbox import Outcome

FILE, PYTHON = Path("src/a b.py"), Path("/usr/bin/python3")
OPTIONS = [
    "-pno:cacheprovider",
    "--tb=short",
    "--junitxml=.vivek-junit.xml",
    "--override-ini=verbosity_assertions=2",
]


def words(template: str) -> list[str]:
    return prepared(template, FILE, PYTHON)[0]


def ended(code: int | None, stdout: str = "", stderr: str = "", *, why: str = "") -> Outcome:
    return Outcome(code, "timeout" if why else "exited", stdout, stderr, 1.0, True, why)


def test_the_file_is_one_word_whatever_its_name() -> None:
    assert words("check --file={file} '{python} x'") == ["check", "--file=src/a b.py", "/usr/bin/python3 x"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("pytest -q {file}", ["pytest", *OPTIONS, "-q", "src/a b.py"]),
        ("{python} -m pytest", ["/usr/bin/python3", "-m", "pytest", *OPTIONS]),
        ("/x/bin/py.test", ["/x/bin/py.test", *OPTIONS]),
        ("make pytest", ["make", "pytest"]),
        ("sh -c 'cd x && pytest'", ["sh", "-c", "cd x && pytest"]),
    ],
)
def test_pytest_is_asked_for_a_report_before_the_users_own_options(
    template: str, expected: list[str]
) -> None:
    assert words(template) == expected


@pytest.mark.parametrize(("template", "told"), [("pytest '", "cannot be read"), ("  ", "is empty")])
def test_a_command_that_is_none_is_told(template: str, told: str) -> None:
    with pytest.raises(VerifyUnavailableError, match=told):
        words(template)


def test_a_projects_environment_is_active(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert prepared("x", FILE, tmp_path / "bin" / "python")[1] == {}
    (tmp_path / "pyvenv.cfg").write_text("")
    environment = prepared("x", FILE, tmp_path / "bin" / "python")[1]
    assert environment["VIRTUAL_ENV"] == str(tmp_path)
    assert environment["PATH"].startswith(f"{tmp_path / 'bin'}:")


def test_a_command_that_ends_well_is_one_finding(tmp_path: Path) -> None:
    verdict = judge(["make", "test"], ended(0), tmp_path)
    assert (verdict.findings, verdict.ill) == ((Finding("make test", "", "", "", passed=True),), "")


def test_of_a_command_that_fails_the_last_lines_are_told(tmp_path: Path) -> None:
    lines = "\n".join(f"line {number}" for number in range(50))
    verdict = judge(["make"], ended(2, lines, "\n\nlast\n"), tmp_path)
    (failure,) = verdict.findings
    assert not failure.passed
    assert failure.error.split("\n")[-2:] == ["line 49", "last"]
    assert len(failure.error.split("\n")) == 12
    assert verdict.ill == ""
    assert judge(["make"], ended(2), tmp_path).findings[0].error == "exit status 2"


@pytest.mark.parametrize("code", [126, 127])
def test_a_command_that_was_not_found_says_nothing_of_the_code(tmp_path: Path, code: int) -> None:
    assert judge(["sh"], ended(code, stderr="not found"), tmp_path).ill == "not found"


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_pytest_that_did_not_run_the_tests_is_ill(tmp_path: Path, code: int) -> None:
    verdict = judge(["pytest", *OPTIONS], ended(code, "usage: pytest"), tmp_path)
    assert verdict.ill == "usage: pytest"
    assert verdict.findings[0].expression == "pytest"


def test_what_did_not_end_is_told_as_such(tmp_path: Path) -> None:
    verdict = judge(["make"], ended(None, why="it did not end within 60 s"), tmp_path)
    assert verdict.ill == verdict.findings[0].error == "it did not end within 60 s"


@given(
    st.lists(st.text(st.characters(exclude_characters="{}"), min_size=1, max_size=10), min_size=1, max_size=5)
)
def test_any_words_arrive_as_they_were_quoted(given_words: list[str]) -> None:
    assert [word for word in words(shlex.join(given_words)) if word not in OPTIONS] == given_words
