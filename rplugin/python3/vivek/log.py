"""The log file: where a crash, a raw failure or what a call cost can be read afterwards.

One JSON object a line, for people and for programs (``jq``). Any number of processes write to it, and it rotates at
MAX_BYTES. Prompts and replies are in it only at the level ``debug``, keys never. It decides nothing about what is said,
and where it cannot be written it stops nothing.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

from concurrent_log_handler import ConcurrentRotatingFileHandler
from pythonjsonlogger.json import JsonFormatter

from vivek.errors import ConfigError
from vivek.paths import state_dir

MAX_BYTES = 1_000_000
KEPT = 2
"""Rotated files that are kept beside the current one."""

SECRETS = ("VIVEK_API_KEY",)
"""Environment variables whose values never reach the log."""

Level = Literal["error", "warning", "info", "debug"]

_FIELDS = {"asctime": "time", "levelname": "level", "name": "logger", "process": "pid"}


def log_path() -> Path:
    """The log's place: what the editor names in ``VIVEK_LOG``, else the user's state folder."""
    named = os.environ.get("VIVEK_LOG")
    return Path(named) if named else state_dir() / "vivek.log"


def configure() -> None:
    """Send Vivek's records, and the traceback of any thread that dies, to the log file. Can be called again.

    ``VIVEK_LOG_LEVEL`` names the level. Raises ConfigError where it names none.
    """
    logger = logging.getLogger("vivek")
    if any(isinstance(handler, _Handler) for handler in logger.handlers):
        return
    level = _level()
    path = log_path()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    handler = _Handler(
        str(path),
        maxBytes=MAX_BYTES,
        backupCount=KEPT,
        encoding="utf-8",
        chmod=0o600,
    )
    handler.setFormatter(_Formatter([value for name in SECRETS if (value := os.environ.get(name))]))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    threading.excepthook = _log_thread_death


class _Handler(ConcurrentRotatingFileHandler):
    """Gives up a record that cannot be written, as on a full disk, without a traceback on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the base class's name)
        """Nothing."""


class _Formatter(JsonFormatter):
    """One JSON object for each record, its `extra` values beside the usual ones, secrets blotted out."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(process)d %(message)s",
            "%Y-%m-%dT%H:%M:%S%z",
            rename_fields=_FIELDS,
            json_ensure_ascii=False,
        )
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        # Half a surrogate pair, which UTF-8 cannot hold, becomes its JSON escape.
        return line.encode("utf-8", "backslashreplace").decode("utf-8")


def _level() -> Level:
    wanted = os.environ.get("VIVEK_LOG_LEVEL") or "info"
    for level in get_args(Level):
        if wanted.lower() == level:
            return level  # type: ignore[no-any-return]
    raise ConfigError(
        f"There is no log level {wanted!r}.",
        hint=f"Set VIVEK_LOG_LEVEL to one of {', '.join(get_args(Level))}.",
    )


def _log_thread_death(death: threading.ExceptHookArgs) -> None:
    if death.exc_value is None or death.exc_type is SystemExit:
        return
    exc_info = (death.exc_type, death.exc_value, death.exc_traceback)
    logging.getLogger("vivek").error("A thread died.", exc_info=exc_info)
    sys.__excepthook__(*exc_info)
