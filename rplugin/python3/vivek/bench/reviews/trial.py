"""One labelled function under one arm: reviews it as a user would, in a folder of its own, and tells what stands.

A review that a server or the machine broke off is raised, for it says nothing of the arm.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from vivek.bench.recording import Recorder
from vivek.bench.reviews.arms import ARMS
from vivek.bench.reviews.result import Judged
from vivek.bench.reviews.rows import Row
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.context.blocks import blocks
from vivek.errors import ModelAPIError
from vivek.llm.base import ModelInfo, TokenCounter
from vivek.llm.loop import ModelLoop
from vivek.llm.select import choose
from vivek.llm.steady import SteadyModel
from vivek.project_file import Verify
from vivek.review.calibration import calibrated
from vivek.review.finding import Finding, Review
from vivek.review.request import ReviewRequest
from vivek.session import Session

_ENDINGS = {"python": ".py", "javascript": ".js", "typescript": ".ts", "lua": ".lua", "go": ".go", "c": ".c"}
_GRAVE = ("error", "warning")
_OURS = ("ContextWindowExceededError", "ModelOutputInvalidError")
"""What a review fails with by itself, the server being well."""


class Reviewer:
    """Reviews rows with one model, or with none. Close it when done. info: None without a model."""

    def __init__(self, settings: Settings, cancel: CancelToken, *, model: bool) -> None:
        """Loads the model, where one is asked for. Raises VivekError where there is none."""
        self._settings = settings
        self._cancel = cancel
        self.info: ModelInfo | None = None
        self._counter: TokenCounter | None = None
        if model:
            self._load()

    def close(self) -> None:
        """Nothing is open between rows; the server stays."""

    def run(self, row: Row, arm: str) -> Judged:
        """What came of a row. Raises ModelAPIError and its kin, RunStoppedError."""
        recorder = Recorder()
        session = Session(around=recorder.around)
        with tempfile.TemporaryDirectory(prefix="vivek-bench-") as folder:
            request = self._request(row, arm, Path(folder).resolve())
            try:
                began = time.monotonic()
                review = session.review(request, lambda _event: None, self._cancel)
                seconds = time.monotonic() - began
            finally:
                session.close()
        self._cancel.raise_if_cancelled()  # what a stopped review had found by then is no result
        if review.error and review.error["kind"] not in _OURS:
            raise ModelAPIError(review.error["message"], hint=review.error["hint"])
        judged = judge(row, arm, request.text, review)
        judged["seconds"] = round(seconds, 3)
        judged["calls"] = recorder.settled(self._counter) if self._counter else []
        return judged

    def _load(self) -> None:
        wanted, loop = self._settings, ModelLoop()
        try:
            choice = loop.run(choose(wanted.backend, wanted.model, wanted.url, wanted.window), self._cancel)
            model = SteadyModel(choice.model)
            self.info = loop.run(model.info(), self._cancel)
            self._counter = loop.run(model.counter(), self._cancel)
            loop.run(model.aclose(), self._cancel)
        finally:
            loop.close()

    def _request(self, row: Row, arm: str, folder: Path) -> ReviewRequest:
        path = folder / f"subject{_ENDINGS.get(row.language, '.txt')}"
        text = row.before if row.before.endswith("\n") else row.before + "\n"
        path.write_text(text, "utf-8", "surrogateescape")
        place = place_of(row, text)
        return ReviewRequest(
            run=uuid.uuid4().hex,
            text=text,
            filetype=row.language,
            path=path,
            name=path.name,
            ranges=(place,) if place else None,
            cwd=folder,
            settings=self._settings,
            verify=Verify(ARMS[arm].examples),
            ask_model=ARMS[arm].model,
        )


def place_of(row: Row, text: str) -> tuple[int, int] | None:
    """The lines (1-based, inclusive) of the definition that a row is about; None where it names none that is there."""
    for block in blocks(text, row.language):
        if row.entry and row.entry in (block.name, block.name.rpartition(".")[2]):
            return block.first, block.last
    return None


def judge(row: Row, arm: str, text: str, review: Review) -> Judged:
    """What a review of a row came to, but for what it cost. text: what was reviewed."""
    shown = [*review.findings, *review.folded]
    standing = [finding for finding in review.findings if finding.severity in _GRAVE]
    worst = max(review.blocks, key=lambda block: block.suspicion or 0.0, default=None)
    confidence = max((finding.confidence for finding in standing), default=0.0)
    suspicion = worst.suspicion if worst else None
    return {
        "file": row.file,
        "task": row.id,
        "cluster": row.cluster,
        "language": row.language,
        "arm": arm,
        "repeat": 0,
        "bug": row.bug,
        "alarm": bool(standing),
        "suspicion": suspicion,
        "score": max(confidence, calibrated({})) if suspicion is None else suspicion,
        "signals": dict(worst.signals) if worst else {},
        "findings": [finding.report() for finding in review.findings],
        "folded": [finding.report() for finding in review.folded],
        "strange": sum(not quoted(finding, text) for finding in shown),
        "ungrounded": review.ungrounded,
        "incomplete": _incomplete(review),
        "seconds": 0.0,
        "calls": [],
    }


def quoted(finding: Finding, text: str) -> bool:
    """Whether a finding's quote is what stands at its lines."""
    lines = text.split("\n")[finding.line - 1 : finding.end_line]
    return bool(lines) and "\n".join(lines) == finding.quote


def _incomplete(review: Review) -> str:
    if review.error:
        return review.error["message"]
    return "; ".join(dict.fromkeys(str(asdict(each)["reason"]) for each in review.skipped))
