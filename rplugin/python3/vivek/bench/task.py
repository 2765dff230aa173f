"""Tasks from JSONL files: an instruction, the code before, and the tests that the code after must pass.

It runs nothing. A task may name the reference solution (`after`), which no arm is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vivek.errors import RequestError

_BUNDLED = "tasks"


@dataclass(frozen=True)
class Task:
    """One task. file: the name of the task file. language: a Neovim filetype.

    tests: code that is run after the candidate's. entry: the definition that the task is about, "" where it is the
    whole file. after: the reference, "" where there is none.
    """

    file: str
    id: str
    instruction: str
    before: str
    tests: str
    entry: str = ""
    language: str = "python"
    after: str = ""

    @property
    def cluster(self) -> str:
        """What counts as one task in statistics: ``sort#1`` and ``sort#2`` are the same one, worded twice."""
        return f"{self.file}:{self.id.partition('#')[0]}"


@dataclass(frozen=True)
class TaskFile:
    """A file of tasks, and the sha256 (hex) of its bytes."""

    name: str
    digest: str
    tasks: tuple[Task, ...]


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    id: str
    instruction: str
    before: str
    tests: str
    entry: str | None = None
    language: str = "python"
    after: str | None = None


def bundled() -> list[TaskFile]:
    """The tasks that come with Vivek. Raises RequestError where there are none."""
    folder = resources.files("vivek.bench") / _BUNDLED
    found = (
        sorted(item.name for item in folder.iterdir() if item.name.endswith(".jsonl"))
        if folder.is_dir()
        else []
    )
    if not found:
        raise RequestError(
            "No tasks come with this installation.", hint="Name a task file: vivek bench FILE."
        )
    return [_parsed(name, (folder / name).read_bytes()) for name in found]


def load(path: Path) -> TaskFile:
    """The tasks of a file. Raises RequestError, which names the line that is none."""
    try:
        return _parsed(path.name, path.read_bytes())
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error


def chosen(tasks: Sequence[Task], glob: str | None, limit: int | None) -> list[Task]:
    """The tasks whose id matches, at most so many. Raises RequestError where none is left."""
    matching = [task for task in tasks if glob is None or fnmatchcase(task.id, glob)][:limit]
    if not matching:
        raise RequestError("No task is left to run.", hint="Check --ids and --limit.")
    return matching


def _parsed(name: str, data: bytes) -> TaskFile:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name} is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error
    tasks = [_task(name, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    ids = [task.id for task in tasks]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise RequestError(f"{name} has two tasks {twice[0]!r}.", hint="Give each an id of its own.")
    return TaskFile(name, hashlib.sha256(data).hexdigest(), tuple(tasks))


def _task(name: str, number: int, text: str) -> Task:
    try:
        line = _Line.model_validate(json.loads(text))
    except (ValueError, ValidationError) as error:
        fault = error.errors()[0] if isinstance(error, ValidationError) else None
        what = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault else str(error)
        raise RequestError(
            f"Line {number} of {name} is no task ({what}).",
            hint="A task is a JSON object with id, instruction, before and tests.",
        ) from error
    return Task(
        file=name,
        id=line.id,
        instruction=line.instruction,
        before=line.before,
        tests=line.tests,
        entry=line.entry or "",
        language=line.language,
        after=line.after or "",
    )
