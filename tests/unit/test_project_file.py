"""A project's own settings: what is understood, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivek.errors import ConfigError
from vivek.project_file import Verify, project_settings
from vivek.request import AskRequest

ROOT = Path("/project")


def test_examples_and_the_test_command_are_switched_on() -> None:
    text = 'run_examples = true\ntest = "pytest -q {file}"\n'
    assert project_settings(text, ROOT) == Verify(True, "pytest -q {file}", ROOT)


@pytest.mark.parametrize("text", ["", "# nothing\n", "run_examples = false\n", 'test = "  "\n'])
def test_nothing_is_switched_on_by_itself(text: str) -> None:
    assert not project_settings(text, ROOT).wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run_examples = 1\n", "run_examples = 1, which must be true or false"),
        ("test = ['pytest']\n", "which must be text"),
        ("tests = 'pytest'\n", "has no setting 'tests'; there are run_examples, test"),
        ("run_examples", "is no TOML"),
    ],
)
def test_what_is_not_understood_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        project_settings(text, ROOT)
    assert told in str(raised.value)


def _asked(**more: object) -> AskRequest:
    return AskRequest.from_editor(
        {"run": "1", "instruction": "fix it", "lines": ["x = 1"], "path": "/project/a.py", **more}
    )


def test_an_ask_runs_nothing_unless_its_project_is_trusted() -> None:
    assert not _asked().verify.wanted
    project = {"root": "/project", "text": "run_examples = true\n"}
    assert _asked(project=project).verify == Verify(True, "", ROOT)
