"""The user's test command: how it is called, and what its output says.

pytest is asked for a JUnit report, so that each failing assertion is told with its values. Of any other command only
the exit status and the last lines are understood.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vivek.errors import VerifyUnavailableError
from vivek.verify.junit import cut, findings_in, readable
from vivek.verify.report import Finding
from vivek.verify.sandbox import Outcome

_REPORT = ".vivek-junit.xml"
_PYTEST = frozenset({"pytest", "py.test"})
_PYTEST_OPTIONS = (
    "-pno:cacheprovider",
    "--tb=short",
    f"--junitxml={_REPORT}",
    "--override-ini=verbosity_assertions=2",  # values whole; a pytest that doesn't know it cuts them
)
_NOT_RUN = frozenset({126, 127})
_TAIL_LINES = 12
_LONGEST_LINE = 200


@dataclass(frozen=True)
class Verdict:
    """What a test command's end says. ill: why it says nothing of the code, unless it says something else of the
    user's own text; "" where the tests ran."""

    findings: tuple[Finding, ...]
    ill: str
    seconds: float


def prepared(template: str, file: Path, python: Path) -> tuple[list[str], dict[str, str]]:
    """The words of the command, and what its environment has besides the user's.

    ``{file}`` stands for the file's path relative to the project's root, ``{python}`` for the project's Python. There
    is no shell; a command that needs one is written as ``sh -c '...'``. Raises VerifyUnavailableError.
    """
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise VerifyUnavailableError(
            f"The test command `{template}` cannot be read: {error}.", hint="Check its quotes."
        ) from error
    if not words:
        raise VerifyUnavailableError("The test command is empty.", hint='Set it, as in `test = "pytest -q"`.')
    words = [word.replace("{file}", str(file)).replace("{python}", str(python)) for word in words]
    return _with_report(words), _activated(python)


def judge(command: Sequence[str], outcome: Outcome, workspace: Path) -> Verdict:
    """What the end of a command says. workspace: where it ran."""
    shown = shlex.join(word for word in command if word not in _PYTEST_OPTIONS)
    if outcome.ended != "exited":
        return Verdict((_finding(shown, outcome.why),), outcome.why, outcome.seconds)
    is_pytest = _pytest_at(command) is not None
    findings = findings_in(workspace / _REPORT) if is_pytest else []
    if is_pytest and outcome.code not in (0, 1):
        told = _tail(outcome)
        return Verdict(tuple(findings) or (_finding(shown, told),), told, outcome.seconds)
    if outcome.code in _NOT_RUN:
        return Verdict((), _tail(outcome), outcome.seconds)
    if outcome.code == 0:
        return Verdict(tuple(findings) or (Finding(shown, "", "", "", passed=True),), "", outcome.seconds)
    if not any(not finding.passed for finding in findings):
        findings.append(_finding(shown, _tail(outcome)))
    return Verdict(tuple(findings), "", outcome.seconds)


def _finding(expression: str, error: str) -> Finding:
    return Finding(expression, "", "", error, passed=False)


def _tail(outcome: Outcome) -> str:
    """The last lines of what a command printed; its exit status where it printed nothing."""
    lines = [line.rstrip() for line in f"{outcome.stdout}\n{outcome.stderr}".splitlines() if line.strip()]
    return (
        "\n".join(cut(readable(line), _LONGEST_LINE) for line in lines[-_TAIL_LINES:])
        or f"exit status {outcome.code}"
    )


def _pytest_at(words: Sequence[str]) -> int | None:
    """Which word of a command starts pytest: the program itself, or python's ``-m pytest``."""
    for number, word in enumerate(words):
        if Path(word).name in _PYTEST and (number == 0 or words[number - 1] == "-m"):
            return number
    return None


def _with_report(words: list[str]) -> list[str]:
    """The options come before the user's own, which win."""
    at = _pytest_at(words)
    return words if at is None else [*words[: at + 1], *_PYTEST_OPTIONS, *words[at + 1 :]]


def _activated(python: Path) -> dict[str, str]:
    """The environment of a project as its activation would leave it."""
    prefix = python.parent.parent
    if not (prefix / "pyvenv.cfg").is_file():
        return {}
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "VIRTUAL_ENV": str(prefix)}
