"""A session over several asks, on a scripted model."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivek.cancel import CancelToken
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
