"""A session over several asks, on a scripted model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vivek.agent.run import AskResult
from vivek.agent.state import Event
from vivek.cancel import CancelToken
from vivek.edits.diff import apply
from vivek.errors import VivekError
from vivek.llm.scripted import ScriptedModel
from vivek.llm.select import Choice
from vivek.request import AskRequest
from vivek.session import Session

TEXT = "def area(r):\n    return 3 * r * r\n"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """What every ask of the test is answered by; it comes with a notice."""
    scripted = ScriptedModel()

    async def choose(*_settings: str | None) -> Choice:
        return Choice(scripted, "scripted", "tiny", "the test says so", ("tiny is a small model.",))

    monkeypatch.setattr("vivek.session.choose", choose)
    return scripted


def test_what_to_expect_of_a_model_is_told_once(model: ScriptedModel, tmp_path: Path) -> None:
    session, told = Session(), []
    for run in ("1", "2"):
        model.enqueue("```python\ndef area(r):\n    return 4 * r * r\n```\n")
        request = AskRequest(run=run, instruction="make it 4", text=TEXT, cwd=tmp_path, stored=False)
        session.ask(request, lambda event: told.append((event["kind"], event.get("text"))), CancelToken())
    session.close()
    assert told.count(("notice", "tiny is a small model.")) == 1
    assert [kind for kind, _ in told].count("start") == 2


def test_a_closed_session_leaves_its_database_whole_in_one_file(model: ScriptedModel, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "a.py").write_text(TEXT)
    session = Session()
    model.enqueue("```python\ndef area(r):\n    return 4 * r * r\n```\n")
    request = AskRequest(run="1", instruction="make it 4", text=TEXT, path=tmp_path / "a.py")
    session.ask(request, lambda _event: None, CancelToken())
    session.close()
    assert {path.name for path in (tmp_path / ".vivek").iterdir()} == {".gitignore", "checkpoints.db"}


# Several at once

GOOD = "```python\ndef area(r):\n    return 4 * r * r\n```\n"


class Run:
    """One ask in a thread of its own, and what is heard of it."""

    def __init__(self, session: Session, run: str, path: Path | None) -> None:
        self.events: list[Event] = []
        self.cancel = CancelToken()
        self.result: AskResult | None = None
        self.error: VivekError | None = None
        self._session = session
        self._request = AskRequest(
            run=run, instruction=f"make it 4, {run}", text=TEXT, path=path, filetype="python", first=1, last=2
        )
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.result = self._session.ask(self._request, self._listen, self.cancel)
        except VivekError as error:
            self.error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _listen(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def phases(self) -> list[str]:
        return [event["phase"] for event in self.events if event["kind"] == "progress"]

    def text(self) -> str:
        return "".join(event["text"] for event in self.events if event["kind"] == "text")

    def wait_for_phase(self, phase: str) -> None:
        self._wait(lambda: phase in self.phases())

    def wait_for_text(self, text: str) -> None:
        self._wait(lambda: self.text() == text)

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._ended, 60)
            assert condition(), (self.error, self.events)

    def ended(self) -> AskResult:
        self._thread.join(60)
        assert self.result is not None, self.error
        return self.result


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(TEXT)
    return tmp_path


def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """A server that answers one call at a time, whoever asks."""
    scripted = ScriptedModel(slots=1)

    async def choose(*_settings: str | None) -> Choice:
        return Choice(scripted, "scripted", "tiny", "the test says so")

    monkeypatch.setattr("vivek.session.choose", choose)
    return scripted


@pytest.mark.parametrize("second", ["a.py", "b.py"])
def test_a_run_that_waits_for_another_says_so_and_ends_when_that_one_has(
    monkeypatch: pytest.MonkeyPatch, session: Session, project: Path, second: str
) -> None:
    model = one_at_a_time(monkeypatch)
    model.enqueue(GOOD, hang=True)
    model.enqueue(GOOD)
    first = Run(session, "first", project / "a.py")
    first.wait_for_phase("writing")
    waiting = Run(session, "second", project / second)
    waiting.wait_for_phase("queued")
    [place] = [event for event in waiting.events if event.get("phase") == "queued"]
    assert place["ahead"] == 1
    first.cancel.cancel()
    assert first.ended()["stopped"]
    assert apply(TEXT, waiting.ended()["edits"]) == TEXT.replace("3 * r", "4 * r")
    assert not waiting.ended()["stopped"]


def test_a_run_that_is_stopped_while_it_waits_leaves_the_one_at_work(
    monkeypatch: pytest.MonkeyPatch, session: Session, project: Path
) -> None:
    model = one_at_a_time(monkeypatch)
    model.enqueue(GOOD, hang=True)
    model.enqueue(GOOD)
    first = Run(session, "first", project / "a.py")
    first.wait_for_text(GOOD)
    waiting = Run(session, "second", project / "a.py")
    waiting.wait_for_phase("queued")
    waiting.cancel.cancel()
    assert waiting.ended()["stopped"]
    assert first.result is None
    first.cancel.cancel()
    assert first.ended()["partial"] == GOOD


def test_two_runs_in_a_new_file_are_one_conversation(
    model: ScriptedModel, session: Session, project: Path
) -> None:
    for _ in range(3):
        model.enqueue(GOOD)
    runs = [Run(session, name, project / "a.py") for name in ("first", "second")]
    first, second = (run.ended() for run in runs)
    assert first["thread"] == second["thread"]
    session.record_outcome(project / "a.py", "", run="first", applied=1, rejected=0, pending=0)
    session.record_outcome(project / "a.py", "", run="second", applied=0, rejected=1, pending=0)
    Run(session, "third", project / "a.py").ended()
    prompt = model.prompts[-1][-1].content
    assert "- make it 4, first (applied)\n" in prompt
    assert "- make it 4, second (rejected)\n" in prompt


def test_two_runs_in_a_buffer_without_a_name_are_one_conversation(
    model: ScriptedModel, session: Session
) -> None:
    model.enqueue(GOOD)
    model.enqueue(GOOD)
    first, second = (run.ended() for run in [Run(session, name, None) for name in ("first", "second")])
    assert first["thread"] == second["thread"]
    assert first["warning"] == second["warning"] == ""
