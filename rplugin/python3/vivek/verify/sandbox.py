"""Runs one command so that it can do no harm: on a copy, without a network, within limits.

Linux namespaces hold it where they can be had (`vivek.verify.namespaces`). Where not, it is a plain process under the
same limits that runs in the copy, and the outcome says so: such a command could still write elsewhere, or send what it
reads. This module makes no copy and reads nothing into what a command prints.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Literal

import psutil

from vivek.cancel import CancelToken
from vivek.errors import VerifyUnavailableError
from vivek.verify import limited
from vivek.verify.namespaces import arguments, hidden, isolation
from vivek.verify.output import Capture
from vivek.verify.processes import Watch, end, wait

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)

# Each leads to something outside: a bus, an agent, the editor.
_DOORS = frozenset(
    {"DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}
)
_EDITOR = re.compile(r"N?VIM(_|$)")
_FOLDERS = frozenset({"TMPDIR", "TEMP", "TMP"})


@dataclass(frozen=True)
class Limits:
    """What a command may use. memory_bytes is for all its processes together, file_bytes for a single file."""

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    processes: int = 128
    file_bytes: int = 16 << 20


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    code: its exit status, None where it was killed here; a signal counts as 128 and its number. ended: "timeout" where
    the time was up, "killed" where it used too much memory or too many processes; `why` says which. stdout, stderr: at
    most 64 KiB each, the middle cut out with a line that tells it. isolated: whether namespaces held it.
    """

    code: int | None
    ended: Literal["exited", "timeout", "killed"]
    stdout: str
    stderr: str
    seconds: float
    isolated: bool
    why: str = ""


def run(
    command: Sequence[str],
    *,
    workspace: Path,
    over: Path | None = None,
    readable: Sequence[Path] = (),
    limits: Limits = Limits(),
    env: Mapping[str, str] | None = None,
    cancel: CancelToken | None = None,
    isolate: bool | None = None,
) -> Outcome:
    """Run a command in a workspace, and wait until it has ended and all that it started with it.

    workspace: a folder that it may write in: a copy. over: the path that the workspace is seen at, and the working
    directory; None for its own. readable: folders below `over` that are seen as they really are, read-only. Without
    isolation both are left out: the command runs in the workspace. env: added to the user's environment, which is
    passed on without its secrets. isolate: False does without namespaces, True insists, None takes what there is.
    Raises VerifyUnavailableError where it cannot be started, RunStoppedError on cancel.
    """
    cancel = cancel or CancelToken()
    cancel.raise_if_cancelled()
    isolated = _isolated(isolate)
    environment = {**_environment(), **(env or {})}
    with tempfile.TemporaryDirectory(prefix="vivek-tmp-", ignore_cleanup_errors=True) as tmp:
        words = _limited(_found(command, workspace, environment), limits, isolated=isolated)
        if isolated:
            seen = [*readable, *_prefixes(command[0], environment)]
            place = over or workspace
            options = arguments(workspace, place, tmp=Path(tmp), readable=seen)
            words = [isolation().program, *options, "--", *words]
        else:
            environment.setdefault("TMPDIR", tmp)
        return _supervised(words, workspace, environment, limits, cancel, isolated=isolated)


def _isolated(wanted: bool | None) -> bool:
    if wanted is None:
        return isolation().available
    if wanted and not isolation().available:
        raise VerifyUnavailableError(
            f"Nothing can be isolated on this machine: {isolation().why_not}.",
            hint="Install bubblewrap, or allow user namespaces.",
        )
    return wanted


def _supervised(
    words: Sequence[str],
    workspace: Path,
    environment: Mapping[str, str],
    limits: Limits,
    cancel: CancelToken,
    *,
    isolated: bool,
) -> Outcome:
    began = monotonic()
    try:
        process = subprocess.Popen(
            words,
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _cannot_start(words[0], error.strerror or str(error)) from error
    assert process.stdout is not None
    assert process.stderr is not None
    captures = [Capture(process.stdout), Capture(process.stderr)]
    watch = Watch(process.pid, limits.memory_bytes, limits.processes)
    try:
        ended, why = wait(process, began + limits.seconds, watch, cancel)
    finally:
        end(process)
        stdout, stderr = (capture.text() for capture in captures)
    if ended == "timeout":
        why = f"it did not end within {limits.seconds:g} s"
    if process.returncode == limited.CANNOT_START and stderr.startswith(limited.MARK):
        raise _cannot_start(" ".join(words), stderr.removeprefix(limited.MARK).strip())
    code = process.returncode if ended == "exited" else None
    if code is not None and code < 0:
        code = 128 - code
    return Outcome(code, ended, stdout, stderr, monotonic() - began, isolated, why)


def _found(command: Sequence[str], workspace: Path, environment: Mapping[str, str]) -> list[str]:
    """The command as it is, where its program can be found. Raises VerifyUnavailableError."""
    program = command[0] if command else ""
    below = "/" in program and not program.startswith("/")
    found = (workspace / program).is_file() if below else shutil.which(program, path=environment.get("PATH"))
    if not found:
        raise _cannot_start(program, "there is no such program")
    return list(command)


def _cannot_start(program: str, reason: str) -> VerifyUnavailableError:
    return VerifyUnavailableError(
        f"`{program}` cannot be started: {reason}.",
        hint="Check the command, and that its program is installed.",
    )


def _limited(command: Sequence[str], limits: Limits, *, isolated: bool) -> list[str]:
    """The command behind the launcher that sets the limits of its process."""
    threads = limits.processes if isolated else limits.processes + _threads_of_user()
    values = {
        "DATA": limits.memory_bytes,  # not AS: node and Go reserve far more than they use
        "FSIZE": limits.file_bytes,
        "NPROC": threads,
        "CPU": math.ceil(limits.seconds * (os.cpu_count() or 1)) + 1,  # for what might outlive its parent
        "CORE": 0,
    }
    told = [f"{name}={value}" for name, value in values.items()]
    python = os.path.realpath(sys.executable)
    return [python, "-I", "-S", "-c", _launcher(), *told, "--", *command]


@cache
def _launcher() -> str:
    return Path(limited.__file__).read_text(encoding="utf-8")


def _threads_of_user() -> int:
    """How many threads the user has: outside a namespace, the limit on processes counts them all."""
    user = os.getuid()
    total = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        uids = process.info["uids"]
        total += (process.info["num_threads"] or 0) if uids and uids.real == user else 0
    return total


def _environment() -> dict[str, str]:
    """The user's environment without secrets, and without what leads out of the sandbox."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name in _DOORS or name in _FOLDERS or _SECRET.search(name) or _EDITOR.match(name))
    }


def _prefixes(program: str, environment: Mapping[str, str]) -> list[Path]:
    """Where the command's program is installed, and Vivek's Python, if the private /tmp would hide it."""
    found = shutil.which(program, path=environment.get("PATH"))
    programs = [Path(path) for path in (found, os.path.realpath(sys.executable)) if path]
    return [path.parent.parent for path in programs if hidden(path) and path.parent.name == "bin"]
