"""Real source files of several languages, as every machine has them: Python's library, the virtual environment, this
project."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path

PROJECT = Path(__file__).parent.parent
SUFFIXES = frozenset(
    [
        ".c",
        ".cpp",
        ".css",
        ".go",
        ".h",
        ".hpp",
        ".html",
        ".js",
        ".json",
        ".lua",
        ".md",
        ".py",
        ".pyi",
        ".rs",
        ".rst",
        ".scm",
        ".sh",
        ".toml",
        ".ts",
        ".txt",
        ".vim",
        ".xml",
        ".yaml",
    ]
)
SMALLEST, LARGEST = 300, 24_000
"""Bytes."""

_SKIPPED = frozenset({".git", "__pycache__", ".venv", ".tools", ".try", "dist", ".hypothesis"})


def files(count: int) -> list[Path]:
    """So many files, always the same on one machine, as many of each language as there are, in turn."""
    by_language: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for root in _roots():
        for path in _below(root):
            order = hashlib.sha256(path.relative_to(root).as_posix().encode("utf-8", "replace")).hexdigest()
            by_language[path.suffix].append((order, path))
    turns = zip_longest(*(sorted(by_language[suffix]) for suffix in sorted(by_language)))
    found = [entry[1] for entry in chain.from_iterable(turns) if entry]
    assert len(found) >= count, f"only {len(found)} source files on this machine"
    return found[:count]


def text(path: Path) -> str:
    """What is in it, as an editor would show it."""
    return path.read_text("utf-8", "replace")


def _roots() -> list[Path]:
    names = ("stdlib", "include", "purelib")
    return [*dict.fromkeys(Path(sysconfig.get_path(name)).resolve() for name in names), PROJECT]


def _below(root: Path) -> Iterator[Path]:
    for folder, names, found in os.walk(root):
        names[:] = [name for name in names if name not in _SKIPPED and name != "site-packages"]
        for name in found:
            path = Path(folder) / name
            if path.suffix in SUFFIXES and SMALLEST <= path.stat().st_size <= LARGEST:
                yield path
