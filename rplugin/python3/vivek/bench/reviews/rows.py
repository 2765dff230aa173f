"""Labelled functions from JSONL files: the code, the definition that it is about, and whether that has a bug.

It runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from vivek.bench import jsonl
from vivek.errors import RequestError

_BUNDLED = "pairs"

_LABELS = {
    **dict.fromkeys(("bug", "buggy", "1", "true"), True),
    **dict.fromkeys(("ok", "correct", "0", "false"), False),
}


@dataclass(frozen=True)
class Row:
    """One function. file: the name of the file it is from. bug: its label. entry: the definition, "" for all of it.

    language: a Neovim filetype.
    """

    file: str
    id: str
    before: str
    bug: bool
    entry: str = ""
    language: str = "python"

    @property
    def cluster(self) -> str:
        """What counts as one in statistics: a function and its twin with a bug are no two functions."""
        return f"{self.file}:{self.language}:{self.entry or self.id}"


@dataclass(frozen=True)
class RowFile:
    """A file of rows, and the sha256 (hex) of its bytes."""

    name: str
    digest: str
    rows: tuple[Row, ...]


def _bug(value: object) -> object:
    """The label as a truth; what is none as it is."""
    return _LABELS.get(str(value).lower(), value)


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    before: str
    label: Annotated[bool, BeforeValidator(_bug)]
    entry: str | None = None
    id: Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))] = None
    language: Annotated[str, Field(validation_alias=AliasChoices("language", "filetype"))] = "python"


def bundled() -> list[RowFile]:
    """The pairs that come with Vivek. Raises RequestError where there are none."""
    found = jsonl.packaged(_BUNDLED)
    if not found:
        raise RequestError("No pairs come with this installation.", hint="Name a file of them.")
    return [_parsed(name, data) for name, data in found]


def load(path: Path) -> RowFile:
    """The rows of a file. Raises RequestError, which names the line that is none."""
    return _parsed(*jsonl.content(path))


def _parsed(name: str, data: bytes) -> RowFile:
    def read(number: int, value: Any) -> Row:
        line = _Line.model_validate(value)
        return Row(
            file=name,
            id=line.id or f"line {number}",
            before=line.before,
            bug=line.label,
            entry=line.entry or "",
            language=line.language,
        )

    hint = 'A row is a JSON object with before, label ("bug" or "ok") and entry.'
    rows = jsonl.parsed(name, data, read, what="a labelled function", hint=hint)
    return RowFile(name, jsonl.digest(data), rows)
