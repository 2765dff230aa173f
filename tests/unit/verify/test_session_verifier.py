"""Which verifier an ask gets: none, unless something was switched on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vivek import cli
from vivek.agent.state import Event, Ports
from vivek.cancel import CancelToken
from vivek.errors import VivekError
from vivek.llm.scripted import ScriptedModel
from vivek.llm.select import Choice
from vivek.project_file import Verify
from vivek.request import AskRequest
from vivek.session import Session

TEXT = "def double(a):\n    '''double(2) == 4'''\n    return 2 * a\n"


class Asks:
    """Asks of a session up to the point where the graph would start."""

    def __init__(self) -> None:
        self.session = Session()
        self.ports: list[Ports] = []
        self.events: list[Event] = []

    def ask(self, path: Path | None, verify: Verify, text: str = TEXT) -> Ports:
        request = AskRequest(
            run="1",
            instruction="fix it",
            text=text,
            filetype="python",
            path=path,
            stored=False,
            verify=verify,
        )
        with pytest.raises(VivekError, match="far enough"):
            self.session.ask(request, self.events.append, CancelToken())
        return self.ports[-1]

    def notices(self) -> list[str]:
        return [event["text"] for event in self.events if event["kind"] == "notice"]


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asks]:
    made = Asks()

    async def choose(*_settings: Any) -> Choice:
        return Choice(ScriptedModel(), "scripted", "tiny", "the test says so", ())

    def stop(ports: Ports, *_others: Any) -> None:
        made.ports.append(ports)
        raise VivekError("far enough")

    monkeypatch.setattr("vivek.session.choose", choose)
    monkeypatch.setattr("vivek.session.ask", stop)
    yield made
    made.session.close()


def test_by_itself_an_ask_runs_nothing(asks: Asks, tmp_path: Path) -> None:
    assert asks.ask(tmp_path / "a.py", Verify()).verifier is None


@pytest.mark.parametrize("is_file", [True, False])
def test_examples_that_are_switched_on_can_be_run(asks: Asks, tmp_path: Path, is_file: bool) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "a.py").write_text("mine\n")
    verifier = asks.ask(tmp_path / "a.py" if is_file else None, Verify(run_examples=True)).verifier
    assert verifier is not None
    report = verifier.examples(TEXT, 1, 3, CancelToken())
    assert report.ran, report.why_not
    assert [one.passed for one in report.findings] == [True]
    assert (tmp_path / "a.py").read_text() == "mine\n"


def test_the_test_command_sees_the_project(asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "check.py").write_text("from a import double\nassert double(2) == 4\n")
    verifier = asks.ask(tmp_path / "a.py", Verify(test="{python} check.py")).verifier
    assert verifier is not None
    assert verifier.tests(TEXT, CancelToken()).failures == ()
    (failure,) = verifier.tests(TEXT.replace("2 * a", "3 * a"), CancelToken()).failures
    assert "AssertionError" in failure.error


def test_the_folder_of_the_settings_is_the_projects(asks: Asks, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "pyproject.toml").write_text("")
    (tmp_path / "part" / "a.py").write_text(TEXT)
    (tmp_path / "check.py").write_text("open('part/a.py')\n")
    verifier = asks.ask(tmp_path / "part" / "a.py", Verify(test="{python} check.py", root=tmp_path)).verifier
    assert verifier is not None
    report = verifier.tests(TEXT, CancelToken())
    assert report.ran, report.why_not
    assert report.failures == ()


def test_a_file_that_a_link_has_elsewhere_is_verified_without_the_project(asks: Asks, tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    (project / "pyproject.toml").write_text("")
    (outside / "a.py").write_text(TEXT)
    (project / "a.py").symlink_to(outside / "a.py")
    verifier = asks.ask(project / "a.py", Verify(run_examples=True)).verifier
    assert verifier is not None
    assert verifier.examples(TEXT, 1, 3, CancelToken()).ran


def test_missing_isolation_is_told_once_a_session_and_only_where_it_matters(
    asks: Asks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivek.session.isolation_notice", lambda: "not isolated")
    asks.ask(tmp_path / "a.py", Verify())
    assert asks.notices() == []
    asks.ask(tmp_path / "a.py", Verify(run_examples=True))
    asks.ask(tmp_path / "a.py", Verify(test="true"))
    assert asks.notices() == ["not isolated"]


@pytest.mark.parametrize(
    ("options", "verify"),
    [
        ([], Verify()),
        (["--run-examples"], Verify(run_examples=True)),
        (["--test", "pytest -q {file}"], Verify(test="pytest -q {file}")),
    ],
)
def test_the_command_line_switches_on_what_its_options_say(
    options: list[str], verify: Verify, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    arguments: argparse.Namespace = cli._parser().parse_args(
        ["ask", str(tmp_path / "a.py"), "fix it", *options]
    )
    assert cli._request(arguments, cli.read_source(arguments.file)).verify == verify
