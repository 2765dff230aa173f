"""The runs of one editor: each in a thread of its own, its events sent on, its end always told.

It turns failures into `error` events and does none of the work itself; that is the session's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vivek.cancel import CancelToken
from vivek.config import settings
from vivek.context.project import find_root
from vivek.errors import RunStoppedError, VivekError
from vivek.log import configure, log_path
from vivek.request import AskRequest
from vivek.review.dismissed import dismiss
from vivek.review.reports import Reports
from vivek.review.request import ReviewRequest
from vivek.session import Session

Event = dict[str, Any]

_log = logging.getLogger(__name__)


class Runs:
    """What the editor's messages do. Every method may block: call it in a thread of its own."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        configure()
        self._emit = emit
        self._session = Session()
        self._reports = Reports()

    def ask(self, payload: Mapping[str, Any], cancel: CancelToken) -> None:
        """One run, from its request to its `done` or `error` event, of which exactly one is sent, last."""
        run = str(payload["run"])

        def work() -> Event:
            result = self._session.ask(AskRequest.from_editor(payload), self._emit, cancel)
            return {"kind": "done", "run": run, "result": result}

        self._to_its_end(run, work)

    def review(self, payload: Mapping[str, Any], cancel: CancelToken) -> None:
        """One review, from its request to its `reviewed` or `error` event, of which exactly one is sent, last."""

        def work() -> Event:
            request = ReviewRequest.from_editor(payload)
            review = self._session.review(request, self._emit, cancel)
            report = self._reports.keep(request, review)
            return {"kind": "reviewed", "run": request.run, "result": report}

        self._to_its_end(str(payload["run"]), work)

    def export(self, payload: Mapping[str, Any]) -> None:
        """Write a review's report into a file, by its extension; an `exported` or `error` event tells of it."""
        run, path = str(payload["run"]), Path(str(payload["path"]))

        def work() -> Event:
            self._reports.write(run, path)
            return {"kind": "exported", "run": run, "path": str(path)}

        self._to_its_end(run, work)

    def dismiss(self, payload: Mapping[str, Any]) -> None:
        """Silence a finding in its project for good; a `dismissed` or `error` event tells of it."""
        key, finding, path = str(payload["key"]), payload.get("finding") or {}, _path(payload)

        def work() -> Event:
            about = f"{finding.get('source', '')}: {finding.get('message', '')}"
            written = dismiss(find_root(path) if path else None, path or Path(), key, about)
            return {"kind": "dismissed", "run": payload.get("run"), "key": key, "path": str(written)}

        self._to_its_end(str(payload.get("run") or ""), work)

    def new(self, payload: Mapping[str, Any]) -> None:
        """Start a fresh conversation for a file. What fails is in the log; the next ask will tell it."""
        with _noted():
            self._session.new_conversation(_path(payload), str(payload.get("buffer") or ""))

    def outcome(self, payload: Mapping[str, Any]) -> None:
        """Note what became of a run's hunks. What fails is in the log; the next ask will tell it."""
        with _noted():
            self._session.record_outcome(
                _path(payload),
                str(payload.get("buffer") or ""),
                run=str(payload["run"]),
                applied=int(payload["applied"]),
                rejected=int(payload["rejected"]),
                pending=int(payload["pending"]),
            )

    def health(self, payload: Mapping[str, Any]) -> None:
        """Send a `health` event: which model would answer and why, and whether the folders can be written."""
        report: list[Event]
        try:
            report = self._session.health(
                settings(payload.get("config") or {}), Path(payload.get("cwd") or ".")
            )
        except VivekError as error:
            report = [{"name": "settings", "ok": False, "text": error.message, "hint": error.hint}]
        self._emit({"kind": "health", "id": payload.get("id"), "report": report})

    def close(self) -> None:
        """Close connections; returns at once."""
        self._session.close()

    def _to_its_end(self, run: str, work: Callable[[], Event]) -> None:
        """Do the work and send the event that ends it, whatever comes of it."""
        ending = _bug(run)
        try:
            ending = work()
        except VivekError as error:
            if not isinstance(error, RunStoppedError):
                _log.warning("Run %s: %s: %s", run, error.kind, error)
            ending = {"kind": "error", "run": run, "error": error.plain()}
        finally:
            self._emit(ending)


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except VivekError as error:
        _log.warning("%s: %s", error.kind, error)


def _path(payload: Mapping[str, Any]) -> Path | None:
    path = payload.get("path")
    return Path(path) if path else None


def _bug(run: str) -> Event:
    """The ending of a run that died of a bug: its traceback is in the log."""
    error = {
        "kind": "InternalError",
        "message": "Vivek failed in a way it should not; your text is untouched.",
        "hint": f"The log says more: :VivekLog ({log_path()}).",
        "partial": "",
    }
    return {"kind": "error", "run": run, "error": error}
