"""A task's tests as a user's test command: what they find, on a copy of the project that the task makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import need
from tiny_tasks import AREA, task
from vivek.bench import usertest
from vivek.bench.scoring import tools_for
from vivek.bench.task import Task, bundled
from vivek.bench.toolchains import Missing, Toolchain
from vivek.bench.usertest import user_test, write
from vivek.cancel import CancelToken
from vivek.context.interpreters import python_for
from vivek.verify.report import Report
from vivek.verify.verifier import ProjectVerifier, Subject

TRICKY = {
    **AREA,
    "tests": "from math import pi\ntotal = 0\ndef check(f):\n    global total\n    total += f(2)\n    assert f(2) == 16\n"
    "check(area)\nassert total == 16, '''two\nlines'''\nassert _hidden == 1\n",
}


def toolchain(which: Task) -> Toolchain:
    tools = tools_for(which)
    need(not isinstance(tools, Missing), f"no toolchain for {which.language}: {tools}")
    assert isinstance(tools, Toolchain)
    return tools


def found(which: Task, text: str, folder: Path) -> Report:
    project = user_test(which, toolchain(which), which.before)
    path = write(project, folder)
    subject = Subject(path, folder, which.before, which.language, python_for(None))
    verifier = ProjectVerifier(subject, run_examples=False, test=project.command)
    return verifier.tests(text, CancelToken())


@pytest.mark.parametrize("pytest_is_there", [True, False])
def test_the_tests_of_a_python_task_fail_before_and_pass_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytest_is_there: bool
) -> None:
    monkeypatch.setattr(usertest, "find_spec", lambda _name: pytest_is_there or None)
    tricky = task({**TRICKY, "before": "_hidden = 1\n" + AREA["before"]})
    before = found(tricky, tricky.before, tmp_path)
    assert before.ran, before.why_not
    (failure,) = before.failures
    assert (failure.got == "12") if pytest_is_there else ("assert" in failure.error.lower())
    after = found(tricky, "_hidden = 1\n" + AREA["after"], tmp_path)
    assert (after.ran, after.failures) == (True, ()), after


def test_a_failing_assertion_is_told_with_its_values(tmp_path: Path) -> None:
    (failure,) = found(task(AREA), AREA["before"], tmp_path).failures
    assert "12" in f"{failure.got}{failure.error}"
    assert "16" in f"{failure.expected}{failure.error}"


@pytest.mark.parametrize("language", ["lua", "javascript", "c"])
def test_other_languages_run_their_toolchains_commands(tmp_path: Path, language: str) -> None:
    some = next(each for file in bundled() for each in file.tasks if each.language == language)
    before = found(some, some.before, tmp_path)
    assert before.ran, before.why_not
    assert before.failures
    after = found(some, some.after, tmp_path)
    assert (after.ran, after.failures) == (True, ()), after
