"""For tests of the embedded model: a fake llama.cpp, a tiny GGUF file, and an end for every server."""

from __future__ import annotations

import json
import os
import signal
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from vivek import paths

FAKE = Path(__file__).parent / "data" / "fake_llama"
DEADLINE_SECONDS = 20.0


def kill_servers() -> None:
    """End every server in this test's own folder, ready or not, as `kill -9` does."""
    for pid in servers():
        kill(pid)


def servers() -> list[int]:
    """Process ids of the servers that were started with this test's XDG_STATE_HOME."""
    commands = {process.pid: process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])}
    own = str(paths.runtime_dir())
    return [
        pid
        for pid, words in commands.items()
        if "vivek.llm.server" in words and any(own in word for word in words)
    ]


def kill(pid: int) -> None:
    """End the process, and wait until it has."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "the server ends")


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for the condition. Fails, naming what it waited for, after the deadline."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.01)


class FakeLlama:
    """The fake in place of xllamacpp, for servers that are started while this lives."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._log = folder / "fake-llama.log"
        self._log.touch()
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("FAKE_LLAMA_LOG", str(self._log))
        monkeypatch.setenv("PYTHONPATH", str(FAKE))

    def load(self, how: str) -> None:
        """How the next load goes: `fail`, `crash`, the path of a file to wait for, or "" for well."""
        self._monkeypatch.setenv("FAKE_LLAMA_LOAD", how)

    def close(self) -> None:
        kill_servers()

    def events(self, what: str) -> list[dict[str, Any]]:
        events = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
        return [event for event in events if event["what"] == what]


def write_gguf(path: Path, metadata: Mapping[str, int | str] | None = None) -> Path:
    """A GGUF file that holds metadata and no tensors: that of QWEN2, and what is given."""
    pairs = {**QWEN2, **(metadata or {})}
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs))
    path.write_bytes(head + b"".join(_string(key) + _value(value) for key, value in pairs.items()))
    return path


QWEN2: dict[str, int | str] = {
    "general.architecture": "qwen2",
    "qwen2.block_count": 24,
    "qwen2.context_length": 32768,
    "qwen2.embedding_length": 896,
    "qwen2.attention.head_count": 14,
    "qwen2.attention.head_count_kv": 2,
}
"""The shape of Qwen2.5-Coder 0.5B."""


def _value(value: int | str) -> bytes:
    return struct.pack("<II", 4, value) if isinstance(value, int) else struct.pack("<I", 8) + _string(value)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()
