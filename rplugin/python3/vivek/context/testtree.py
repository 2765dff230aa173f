"""The test files and the sources of a project, of one language: their paths, from a look through its folders.

No link is followed, what the ignore files exclude is not there, and no file is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from time import monotonic

from vivek.context.testfiles import is_test_file

MOST_ENTRIES = 30_000
SECONDS = 2.0
"""A project that is larger, or on a slower disk, is known by what was seen until then: its outer folders come first."""

_NOT_SOURCES = frozenset(
    {"node_modules", "vendor", "target", "__pycache__", "site-packages", "testdata", "fixtures"}
)

_FAMILIES = (
    frozenset({".py"}),
    frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"}),
    frozenset({".c", ".cc", ".cpp", ".cxx"}),
)


@dataclass(frozen=True)
class Tree:
    """Paths below the project's root, those of outer folders first."""

    tests: tuple[PurePath, ...]
    sources: tuple[PurePath, ...]


def family_of(suffix: str) -> frozenset[str]:
    """The suffixes of files that can test one another.

    >>> sorted(family_of(".go")), ".ts" in family_of(".jsx")
    (['.go'], True)
    """
    return next((family for family in _FAMILIES if suffix in family), frozenset({suffix}))


def tree_of(root: Path, suffix: str, excluded: Callable[[Path], str | None]) -> Tree:
    """The files of a project that have a suffix, or one of its family."""
    family = family_of(suffix)
    tests: list[PurePath] = []
    sources: list[PurePath] = []
    for path in _files(root, excluded):
        if path.suffix not in family:
            continue
        if not is_test_file(path):
            sources.append(path)
        elif not excluded(root / path):
            tests.append(path)
    return Tree(tuple(tests), tuple(sources))


def _files(root: Path, excluded: Callable[[Path], str | None]) -> Iterator[PurePath]:
    """Breadth first, each folder in the order of names."""
    waiting, count, end = [root], 0, monotonic() + SECONDS
    while waiting:
        folder = waiting.pop(0)
        for entry in _entries(folder):
            count += 1
            if count > MOST_ENTRIES or monotonic() > end:
                return
            if entry.is_symlink():
                continue
            path = Path(entry.path)
            if entry.is_file():
                yield path.relative_to(root)
            elif entry.is_dir() and not _is_foreign(path) and not excluded(path):
                waiting.append(path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_SOURCES or (folder / "pyvenv.cfg").is_file()
