"""Labelled functions from JSONL files: the code, the definition that it is about, and whether that has a bug.

It runs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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
    folder = resources.files("vivek.bench") / _BUNDLED
    names = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    found = [name for name in names if name.endswith(".jsonl")]
    if not found:
        raise RequestError("No pairs come with this installation.", hint="Name a file of them.")
    return [_parsed(name, (folder / name).read_bytes()) for name in found]


def load(path: Path) -> RowFile:
    """The rows of a file. Raises RequestError, which names the line that is none."""
    try:
        return _parsed(path.name, path.read_bytes())
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error


def chosen(rows: Sequence[Row], glob: str | None, limit: int | None) -> list[Row]:
    """The rows whose id matches, at most so many. Raises RequestError where none is left."""
    matching = [row for row in rows if glob is None or fnmatchcase(row.id, glob)][:limit]
    if not matching:
        raise RequestError("No row is left to review.", hint="Check --ids and --limit.")
    return matching


def _parsed(name: str, data: bytes) -> RowFile:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name} is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error
    rows = [_row(name, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    ids = [row.id for row in rows]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise RequestError(f"{name} has two rows {twice[0]!r}.", hint="Give each an id of its own, or none.")
    return RowFile(name, hashlib.sha256(data).hexdigest(), tuple(rows))


def _row(name: str, number: int, text: str) -> Row:
    try:
        content: Any = json.loads(text)
        line = _Line.model_validate(content)
    except (ValueError, ValidationError) as error:
        fault = error.errors()[0] if isinstance(error, ValidationError) else None
        what = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault else str(error)
        raise RequestError(
            f"Line {number} of {name} is no labelled function ({what}).",
            hint='A row is a JSON object with before, label ("bug" or "ok") and entry.',
        ) from error
    return Row(
        file=name,
        id=line.id or f"line {number}",
        before=line.before,
        bug=line.label,
        entry=line.entry or "",
        language=line.language,
    )
