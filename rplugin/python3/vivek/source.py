"""A document on the command line: ``FILE[:FIRST-LAST]``, read as it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from vivek.errors import RequestError

STDIN = "<stdin>"


@dataclass(frozen=True)
class Source:
    """A document as it was read. name: as it was given, without the lines. path: None for standard input."""

    name: str
    path: Path | None
    text: str
    first: int | None
    last: int | None


def read_source(argument: str) -> Source:
    """The document that FILE[:FIRST-LAST] names. Raises RequestError."""
    name, first, last = split_range(argument)
    piped = name in ("-", STDIN)
    try:
        data = sys.stdin.buffer.read() if piped else Path(name).read_bytes()
    except OSError as error:
        raise RequestError(f"{name} cannot be read: {error.strerror}.", hint="Check the path.") from error
    path = None if piped else Path(name).absolute()
    return Source("stdin" if piped else name, path, data.decode("utf-8", "surrogateescape"), first, last)


def split_range(argument: str) -> tuple[str, int | None, int | None]:
    """FILE[:FIRST[-LAST]] apart; a file whose name really ends like that wins.

    >>> split_range("a.py:3-9"), split_range("a.py:3"), split_range("a.py")
    (('a.py', 3, 9), ('a.py', 3, 3), ('a.py', None, None))
    """
    name, colon, lines = argument.rpartition(":")
    first, _, last = lines.partition("-")
    if not colon or not first.isdecimal() or (last and not last.isdecimal()) or Path(argument).exists():
        return argument, None, None
    return name, int(first), int(last or first)
