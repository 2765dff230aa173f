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
from vivek.errors import RunStoppedError, VivekError
from vivek.log import configure, log_path
from vivek.request import AskRequest
from vivek.session import Session

Event = dict[str, Any]

_log = logging.getLogger(__name__)


class Runs:
    """What the editor's messages do. Every method may block: call it in a thread of its own."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        configure()
        self._emit = emit
        self._session = Session()

    def ask(self, payload: Mapping[str, Any], cancel: CancelToken) -> None:
        """One run, from its request to its `done` or `error` event, of which exactly one is sent, last."""
        run = str(payload["run"])
        ending = _bug(run)
        try:
            result = self._session.ask(AskRequest.from_editor(payload), self._emit, cancel)
            ending = {"kind": "done", "run": run, "result": result}
        except VivekError as error:
            if not isinstance(error, RunStoppedError):
                _log.warning("Run %s: %s: %s", run, error.kind, error)
            ending = {"kind": "error", "run": run, "error": plain_error(error)}
        finally:
            self._emit(ending)

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


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except VivekError as error:
        _log.warning("%s: %s", error.kind, error)


def plain_error(error: VivekError) -> dict[str, str]:
    """An error as plain data."""
    return {"kind": error.kind, "message": error.message, "hint": error.hint, "partial": error.partial}


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
