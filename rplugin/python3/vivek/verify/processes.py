"""Waits for a command, watches what all its processes use together, and ends every one of them."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from time import monotonic
from typing import Literal

import psutil

from vivek.cancel import CancelToken

_GLANCE_SECONDS = 0.05
_WATCH_SECONDS = 0.25
"""A look at every process of the machine takes some milliseconds."""


class Watch:
    """What a process and all below it use; looked at a few times a second."""

    def __init__(self, pid: int, memory_bytes: int, processes: int) -> None:
        self._pid = pid
        self._memory = memory_bytes
        self._processes = processes
        self._next = monotonic() + _WATCH_SECONDS

    def excess(self) -> str:
        """What is used too much, "" where nothing is, or where it is not yet time to look again."""
        if monotonic() < self._next:
            return ""
        found = family(self._pid)
        self._next = monotonic() + _WATCH_SECONDS
        if len(found) > self._processes + 3:  # bubblewrap's two, and the shell or launcher
            return f"it started more than {self._processes} processes"
        if sum(_resident(process) for process in found) > self._memory:
            return f"it used more than {self._memory >> 20} MiB of memory"
        return ""


def wait(
    process: subprocess.Popen[bytes], deadline: float, watch: Watch, cancel: CancelToken
) -> tuple[Literal["exited", "timeout", "killed"], str]:
    """Wait for the end, or for a reason to make one. Raises RunStoppedError on cancel."""
    while True:
        cancel.raise_if_cancelled()
        left = deadline - monotonic()
        if left <= 0:
            return "timeout", ""
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, _GLANCE_SECONDS))
            return "exited", ""
        if why := watch.excess():
            return "killed", why


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started; one that has ended may have left some in its group."""
    below = family(process.pid) if process.poll() is None else []  # the number may belong to another by now
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for one in below:
        with suppress(psutil.Error):
            one.kill()
    process.wait()


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it; empty where it is gone."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
