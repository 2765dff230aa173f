"""A run's folder: what it was run with, and a line for each task and arm that is finished.

A run that was cut short goes on where it was; the torn last line of one that was killed is dropped, and its task done
again. A folder belongs to one set of settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout

from vivek.errors import RequestError

R = TypeVar("R", bound=Mapping[str, Any])

_SETTINGS = "run.json"
_RESULTS = "results.jsonl"
_LOCK = "lock"


class Records(Generic[R]):
    """The results of a run, in the order in which they were made: a `Result` each, or a review's `Judged`."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], results: list[R]) -> None:
        self.folder = folder
        self.settings = settings
        self.results = results

    def add(self, result: R) -> None:
        """Keep a result; it is on the disk when this returns. Raises OSError."""
        with (self.folder / _RESULTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.results.append(result)

    def done(self) -> set[tuple[str, str, str, int]]:
        """File, task, arm and repeat of each."""
        return {(each["file"], each["task"], each["arm"], each["repeat"]) for each in self.results}


@contextmanager
def begun(folder: Path, settings: Mapping[str, Any]) -> Iterator[Records[Any]]:
    """The folder's records, to add to; nobody else can meanwhile.

    Raises RequestError where it holds a run with other settings, is at work already, or is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RequestError(
            f"A run is at work in {folder}.", hint="Wait for its end, or give another folder as --out."
        ) from error
    try:
        if (folder / _SETTINGS).exists():
            _refuse_others(folder, settings)
        else:
            (folder / _SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
        _drop_torn_line(folder / _RESULTS)
        yield read(folder)
    finally:
        lock.release()


def read(folder: Path) -> Records[Any]:
    """The folder's records, to look at. Raises RequestError where they cannot be read."""
    try:
        settings = json.loads((folder / _SETTINGS).read_text("utf-8"))
        path = folder / _RESULTS
        lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    except (OSError, ValueError) as error:
        raise RequestError(
            f"{folder} holds no run of `vivek bench`: {error}.", hint="Check the folder."
        ) from error
    return Records(folder, settings, [_result(path, number, line) for number, line in enumerate(lines, 1)])


def _result(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise RequestError(
            f"Line {number} of {path} is damaged: {error}.", hint="Delete the line; its task is done again."
        ) from error


def _refuse_others(folder: Path, settings: Mapping[str, Any]) -> None:
    known = read(folder).settings
    plain = json.loads(json.dumps(settings))
    other = [key for key in sorted({*known, *plain}) if known.get(key) != plain.get(key)]
    if other:
        told = ", ".join(f"{key} was {known.get(key)!r} and is now {plain.get(key)!r}" for key in other)
        raise RequestError(
            f"{folder} holds a run with other settings: {told}.",
            hint="Give another folder as --out, or the same settings.",
        )


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
