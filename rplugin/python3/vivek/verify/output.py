"""Reads what a command prints, and keeps its beginning and its end: a loop that prints must not fill the memory."""

from __future__ import annotations

import os
import threading
from typing import IO

HALF_BYTES = 32 << 10
_JOIN_SECONDS = 2.0


class Capture:
    """One stream, read by a thread of its own until it ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="vivek-output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What came, as text. Waits for the end, but not for a process that got away with the stream."""
        self._thread.join(_JOIN_SECONDS)
        with self._lock:
            if not self._cut:
                return (self._head + self._tail).decode("utf-8", "replace")
            head, tail = (half.decode("utf-8", "replace") for half in (self._head, self._tail))
            return f"{head}\n[... {self._cut} bytes left out ...]\n{tail}"

    def _read(self) -> None:
        with self._stream:
            while data := os.read(self._stream.fileno(), HALF_BYTES):
                with self._lock:
                    self._keep(data)

    def _keep(self, data: bytes) -> None:
        room = HALF_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        over = len(self._tail) - HALF_BYTES
        if over > 0:
            self._cut += over
            del self._tail[:over]
