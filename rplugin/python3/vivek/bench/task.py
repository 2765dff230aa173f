"""Tasks from JSONL files: an instruction, the code before, and the tests that the code after must pass.

It runs nothing. A task may name the reference solution (`after`), which no arm is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from vivek.bench import jsonl
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
    found = jsonl.packaged(_BUNDLED)
    if not found:
        raise RequestError(
            "No tasks come with this installation.", hint="Name a task file: vivek bench FILE."
        )
    return [_parsed(name, data) for name, data in found]


def load(path: Path) -> TaskFile:
    """The tasks of a file. Raises RequestError, which names the line that is none."""
    return _parsed(*jsonl.content(path))


def _parsed(name: str, data: bytes) -> TaskFile:
    def read(_number: int, value: Any) -> Task:
        line = _Line.model_validate(value)
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

    hint = "A task is a JSON object with id, instruction, before and tests."
    return TaskFile(name, jsonl.digest(data), jsonl.parsed(name, data, read, what="a task", hint=hint))
