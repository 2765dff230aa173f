"""Files of one JSON object a line: read from disk or from the package, each line checked, the ids told apart.

What a line holds is for whoever reads: a task, or a labelled function.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from vivek.errors import RequestError


class Named(Protocol):
    """What a line is read as."""

    @property
    def id(self) -> str:
        """Its own within the file."""


T = TypeVar("T", bound=Named)


def packaged(folder: str) -> list[tuple[str, bytes]]:
    """Name and content of the files in a folder of this package, by name; [] where there are none."""
    place = resources.files("vivek.bench") / folder
    names = sorted(item.name for item in place.iterdir()) if place.is_dir() else []
    return [(name, (place / name).read_bytes()) for name in names if name.endswith(".jsonl")]


def content(path: Path) -> tuple[str, bytes]:
    """Name and content of a file. Raises RequestError."""
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error


def digest(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(data).hexdigest()


def parsed(name: str, data: bytes, read: Callable[[int, Any], T], *, what: str, hint: str) -> tuple[T, ...]:
    """What the lines hold. read: a line's number and its JSON to what it is read as; may raise ValidationError.

    what: a line in words, "a task". hint: what one is made of. Raises RequestError, which names the line that is none.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name} is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error
    found: list[T] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(read(number, json.loads(line)))
        except (ValueError, ValidationError) as error:
            fault = error.errors()[0] if isinstance(error, ValidationError) else None
            told = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault else str(error)
            raise RequestError(f"Line {number} of {name} is not {what} ({told}).", hint=hint) from error
    ids = [each.id for each in found]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise RequestError(f"{name} has the id {twice[0]!r} twice.", hint="Give each line an id of its own.")
    return tuple(found)


def chosen(found: Sequence[T], glob: str | None, limit: int | None) -> list[T]:
    """Those whose id matches, at most so many. Raises RequestError where none is left."""
    matching = [each for each in found if glob is None or fnmatchcase(each.id, glob)][:limit]
    if not matching:
        raise RequestError("Nothing is left to run.", hint="Check --ids and --limit.")
    return matching
