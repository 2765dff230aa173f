"""Writes a file whole or not at all: what reads it sees the old content or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_MODE = 0o644


def replace(target: Path, data: bytes) -> None:
    """Put data into a file in one step; its permissions stay. Raises OSError, the file being as it was."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(target.stat().st_mode & 0o7777 if target.exists() else _MODE)
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
