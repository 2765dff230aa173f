"""A copy of the project to run things in: planned once, made anew for each run, so that no run sees another's traces.

What the project's ignore files exclude is not copied. Folders among it (an environment, installed packages) and code
that tools have generated are named instead, to be shown read-only as they are. No link is followed, and one that leads
out of the project is left out: written through, it would change what is not a copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from vivek.cancel import CancelToken
from vivek.errors import VerifyUnavailableError

MOST_FILES = 20_000
MOST_BYTES = 256 << 20

_SHOWN = frozenset({".git", ".hg", ".jj", ".svn", "node_modules"})
"""A worktree's ``.git`` is a file, whose copy would let git write to the repository."""

_NEITHER = (".vivek", "__pycache__", ".hypothesis", ".cache", "*_cache", "*.pyc")
"""Ours, or caches, which their tools would want to write."""

_GENERATED = (".py", ".pyd", ".so")

Excluded = Callable[[Path], "str | None"]
"""What excludes a path, None where nothing does: `vivek.context.ignore.Ignore.excluded`."""


@dataclass(frozen=True)
class Plan:
    """What a copy holds, as paths below `root`, which has no links in it. readable: to be shown as they are."""

    root: Path
    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    links: tuple[tuple[Path, Path], ...]
    readable: tuple[Path, ...]

    def make(self, target: Path, cancel: CancelToken) -> None:
        """Copy into an empty folder. What vanished since the plan was made is left out. Raises RunStoppedError."""
        for folder in self.folders:
            (target / folder).mkdir(parents=True, exist_ok=True)
        for file in self.files:
            cancel.raise_if_cancelled()
            try:
                shutil.copy2(self.root / file, target / file, follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise VerifyUnavailableError(
                    f"The project cannot be copied: {file}: {error.strerror}.",
                    hint="Make the file readable, or name it in .vivekignore.",
                ) from error
        for link, leads_to in self.links:
            (target / link).symlink_to(leads_to)


def plan(
    root: Path,
    excluded: Excluded,
    cancel: CancelToken,
    *,
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
) -> Plan:
    """What is copied of a project.

    Raises VerifyUnavailableError where that is more than `most_files` files or `most_bytes` bytes, RunStoppedError on
    cancel.
    """
    root = root.resolve()
    folders: list[Path] = []
    files: list[Path] = []
    links: list[tuple[Path, Path]] = []
    readable: list[Path] = []
    size = 0
    for path, kind in _walk(root, excluded):
        cancel.raise_if_cancelled()
        below = path.relative_to(root)
        if kind == "shown":
            readable.append(path)
        elif kind == "folder":
            folders.append(below)
        elif kind == "link":
            links.extend(_link(root, path))
        else:
            files.append(below)
            size += path.lstat().st_size
        if len(files) > most_files:
            raise _too_large(f"{most_files} files")
        if size > most_bytes:
            raise _too_large(f"{most_bytes >> 20} MiB")
    return Plan(root, tuple(folders), tuple(files), tuple(links), tuple(readable))


def _walk(root: Path, excluded: Excluded) -> Iterator[tuple[Path, str]]:
    """Every path below a folder that matters, with its kind: folder, file, link or shown. A folder comes before what
    is in it."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = Path(entry.path)
            kind = _kind(entry, path, excluded)
            if kind == "folder":
                waiting.append(path)
            if kind:
                yield path, kind


def _kind(entry: os.DirEntry[str], path: Path, excluded: Excluded) -> str:
    """ "" for what is neither copied nor shown."""
    if any(fnmatch(entry.name, pattern) for pattern in _NEITHER):
        return ""
    if entry.is_symlink():
        return "link" if _leads_to(path) and not excluded(path) else ""
    if entry.name in _SHOWN:
        return "shown"
    if entry.is_dir():
        return "shown" if (path / "pyvenv.cfg").is_file() or excluded(path) else "folder"
    return _kind_of_file(path, excluded) if entry.is_file() else ""  # a socket, a pipe


def _kind_of_file(path: Path, excluded: Excluded) -> str:
    if not excluded(path):
        return "file"
    return "shown" if path.suffix in _GENERATED else ""


def _link(root: Path, path: Path) -> Iterator[tuple[Path, Path]]:
    """A link as it is made in the copy: to what the link leads to in the end, relative, so that it stays inside."""
    leads_to = _leads_to(path)
    if leads_to is not None and leads_to.is_relative_to(root):
        yield path.relative_to(root), Path(os.path.relpath(leads_to, path.parent))


def _leads_to(link: Path) -> Path | None:
    """Where a link leads in the end; None where it leads nowhere, or in a circle."""
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):
        return None


def _too_large(what: str) -> VerifyUnavailableError:
    return VerifyUnavailableError(
        f"The project has more than {what} to copy.",
        hint="Name folders that no test needs in .vivekignore.",
    )
