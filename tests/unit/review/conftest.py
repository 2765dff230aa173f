"""A session whose reviews are answered by a scripted model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from vivek.cancel import CancelToken
from vivek.llm.scripted import ScriptedModel
from vivek.llm.select import Choice
from vivek.review.finding import Review
from vivek.review.request import ReviewRequest
from vivek.session import Session


class Reviewer:
    """Runs reviews, and keeps what is heard of them."""

    def __init__(self, model: ScriptedModel, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.session = Session()
        self.events: list[dict[str, Any]] = []
        self.cancel = CancelToken()

    def review(self, text: str, name: str = "a.py", **options: Any) -> Review:
        options = {"filetype": "python", "path": self.folder / name, **options}
        request = ReviewRequest(run="r", text=text, cwd=self.folder, **options)
        return self.session.review(request, self._hear, self.cancel)

    def _hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events]

    def asked(self) -> Sequence[str]:
        """What the model was asked, a user message each."""
        return [messages[-1].content for messages in self.model.prompts]


@pytest.fixture
def reviewer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Reviewer]:
    model = ScriptedModel()

    async def choose(*_settings: object) -> Choice:
        return Choice(model, "scripted", "tiny", "the test says so")

    monkeypatch.setattr("vivek.session.choose", choose)
    made = Reviewer(model, tmp_path)
    yield made
    made.session.close()
