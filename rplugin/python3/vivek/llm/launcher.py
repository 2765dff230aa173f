"""Finds the embedded model's server for given weights and settings, or starts it.

Any number of clients, in any number of processes, share one server for the same weights, whatever context
window each would have chosen: who starts it chooses. The server's lock, which the kernel frees whatever way
it ends, tells whether it lives; its record tells how to reach it. So a killed server's record is never
believed, and two clients that start it at once get the same one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import httpx
import psutil
from filelock import FileLock, Timeout

from vivek import paths
from vivek.errors import InstallError, ModelAPIError, ModelUnreachableError
from vivek.llm import memory, server
from vivek.llm.memory import Need
from vivek.llm.server import Record

PROTOCOL = 2
"""Raised with each change of the server's parameters, so that an older one that still runs is not used."""

IDLE_SECONDS = 1800.0

_POLL_SECONDS = 0.05
_HEALTH_SECONDS = 10.0
_END_SECONDS = 10.0
_LOADING_SILENCE_SECONDS = 300.0
_LAST_LINES = 5

_LOG_BYTES = 1 << 20
"""A log this large is begun anew with the next start."""


@dataclass(frozen=True)
class Settings:
    """Which server is wanted.

    context_window: tokens for each conversation, where it must be started; one that runs keeps its own, because two
    servers of one model would be twice the memory. need: memory that a start takes.
    """

    name: str
    weights: Path
    digest: str
    context_window: int
    need: Need
    idle_seconds: float = IDLE_SECONDS

    @property
    def lock(self) -> Path:
        """The file that this server holds while it lives."""
        facts = (self.digest, self.idle_seconds, PROTOCOL, _llama_version())
        return paths.runtime_dir() / f"server-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}.lock"

    @property
    def log(self) -> Path:
        """Where this server's output goes."""
        return self.lock.with_suffix(".log")


@cache  # it is read from a file, and asked for many times while a server loads
def _llama_version() -> str:
    return version("xllamacpp")


async def running(settings: Settings) -> Record | None:
    """The server, where it runs and is ready; None where it does not, or still loads.

    Raises ModelUnreachableError where it lives but says nothing.
    """
    record = server.read_record(server.record_path(settings.lock))
    if record is None or not held(settings.lock):
        return None
    try:
        async with client(record) as connection:
            answer = await connection.get("/health", timeout=_HEALTH_SECONDS)
    except httpx.TimeoutException as error:
        raise ModelUnreachableError(
            f"The embedded model's server (process {record.pid}) does not answer.",
            hint=f"End it with `kill -9 {record.pid}`, then ask again.",
        ) from error
    except httpx.TransportError:
        return None  # it is just ending
    return record if answer.status_code == httpx.codes.OK else None


async def started(settings: Settings) -> Record:
    """The server, started where it does not run, when it is ready.

    Raises ModelAPIError where it ends while it loads or does not fit in memory, ModelUnreachableError where it neither
    gets ready nor writes to its log, InstallError.
    """
    process: _Process | None = None
    written, since = -1, time.monotonic()
    while True:
        if written != (size := _size(settings.log)):
            written, since = size, time.monotonic()
        if time.monotonic() - since > _LOADING_SILENCE_SECONDS:
            raise ModelUnreachableError(
                f"The embedded model's server has been loading {settings.name} without a sign of life for"
                f" {_LOADING_SILENCE_SECONDS:.0f} seconds.",
                hint=f"End the process that holds {settings.lock}, then ask again; its log is {settings.log}.",
            )
        if record := await running(settings):
            return record
        if process is None and not held(settings.lock):
            process = _start(settings)
        if process is not None and (status := process.poll()) is not None:
            if status != server.ALREADY_RUNNING:
                raise process.failure(settings, status)
            process = None  # another client was faster
        await asyncio.sleep(_POLL_SECONDS)


async def stopped(settings: Settings, record: Record) -> None:
    """End the server whatever it does, and return when it has. Raises ModelUnreachableError where it goes on."""
    if not held(settings.lock):
        return
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while _alive(record.pid):
        if time.monotonic() > deadline:
            raise ModelUnreachableError(
                f"The embedded model's server (process {record.pid}) does not end.",
                hint=f"End it with `kill -9 {record.pid}`, then ask again.",
            )
        await asyncio.sleep(_POLL_SECONDS)


def client(record: Record) -> httpx.AsyncClient:
    """A client of the server. It waits for ever, because a server that reads a long prompt says nothing."""
    return httpx.AsyncClient(
        base_url=record.url,
        # llama.cpp closes kept connections without a word, hence none is kept.
        headers={
            "Authorization": f"Bearer {record.key}",
            "Content-Type": "application/json",
            "Connection": "close",
        },
        timeout=httpx.Timeout(None, connect=_HEALTH_SECONDS),
        trust_env=False,
        verify=False,  # loopback speaks no TLS, and certificates take 30 ms to read
    )


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def held(lock: Path) -> bool:
    """Whether a server holds the lock, ready or not."""
    probe = FileLock(lock)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return True
    probe.release()
    return False


@dataclass(frozen=True)
class _Process:
    """A server that this process started. log_start: where its part of the log begins."""

    popen: subprocess.Popen[bytes]
    log_start: int

    def poll(self) -> int | None:
        return self.popen.poll()

    def failure(self, settings: Settings, status: int) -> ModelAPIError:
        with settings.log.open("rb") as file:
            file.seek(self.log_start)
            said = file.read().decode("utf-8", "replace").strip().splitlines()
        return ModelAPIError(
            f"The embedded model's server ended while it loaded {settings.name} ({_ending(status)}). Its last"
            " words:\n" + "\n".join(said[-_LAST_LINES:]),
            hint=f"The whole log is {settings.log}.",
        )


def _start(settings: Settings) -> _Process:
    """Start the server in a session of its own, with no descriptor of ours, so that it outlives us."""
    memory.refuse_if_short(settings.name, settings.need)
    command = [sys.executable, "-m", "vivek.llm.server", "--weights", str(settings.weights)]
    command += ["--context", str(settings.context_window), "--lock", str(settings.lock)]
    command += ["--idle", str(settings.idle_seconds)]
    try:
        with settings.log.open("ab" if _size(settings.log) < _LOG_BYTES else "wb") as log:
            begin = log.tell()
            popen = subprocess.Popen(
                command,
                cwd=paths.runtime_dir(),  # not the project's folder, whose modules would be imported instead
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        raise InstallError(f"The embedded model's server could not be started: {error}.") from error
    # Waited for in a thread, so that it leaves no zombie and can be forgotten.
    threading.Thread(target=popen.wait, name="vivek-reap", daemon=True).start()
    return _Process(popen, begin)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _environment() -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
    }


def _ending(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
