"""The log file: where a crash, a raw failure or a server's last words can be read afterwards.

It rotates at 1 MB and holds no prompt and no reply.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from logging.handlers import RotatingFileHandler
from pathlib import Path

from vivek.paths import state_dir


def log_path() -> Path:
    """The log's place: what the editor names in ``VIVEK_LOG``, else the user's state folder."""
    named = os.environ.get("VIVEK_LOG")
    return Path(named) if named else state_dir() / "vivek.log"


def configure() -> None:
    """Send Vivek's records, and the traceback of any thread that dies, to the log file. Can be called again."""
    logger = logging.getLogger("vivek")
    if logger.handlers:
        return
    path = log_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(process)d] %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    threading.excepthook = _log_thread_death


def _log_thread_death(death: threading.ExceptHookArgs) -> None:
    if death.exc_value is None or death.exc_type is SystemExit:
        return
    exc_info = (death.exc_type, death.exc_value, death.exc_traceback)
    logging.getLogger("vivek").error("A thread died.", exc_info=exc_info)
    sys.__excepthook__(*exc_info)
