"""Which files of a project stay out of prompts: those that its ignore files exclude.

It bridges git's ignore files and ``.vivekignore`` to one question about one path. Only what the files say
counts; there are no built-in patterns, and a file outside the project is never excluded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePath

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_GIT = ".gitignore"
_VIVEK = ".vivekignore"
_FOLDER_MARK = "ps_d"


class Ignore:
    """The ignore rules of one project.

    Git's own: each ``.gitignore`` from the repository's top down to the file, and ``.git/info/exclude``.
    Beside them each ``.vivekignore``, with the same syntax; a ``!`` in one of the two families undoes
    nothing of the other. Every ignore file is read once: make a new `Ignore` to see a change.
    """

    def __init__(self, root: Path) -> None:
        top = _repository(root) or root
        self._tops = list(dict.fromkeys((_absolute(top), top.resolve())))
        self._exclude = _exclude_file(top)
        self._patterns = cache(_read)

    def excluded(self, path: Path) -> str | None:
        """What excludes the file, as ``"`*.key` in .gitignore"``; None where nothing does.

        A path that goes through links is excluded where either its name or what it leads to is.
        """
        for candidate in dict.fromkeys((_absolute(path), path.resolve())):
            for top in self._tops:
                if candidate != top and candidate.is_relative_to(top):
                    reason = self._excluded_below(top, candidate.relative_to(top))
                    if reason:
                        return reason
        return None

    def _excluded_below(self, top: Path, path: PurePath) -> str | None:
        """As git does: a file in an excluded folder is excluded, whatever a deeper pattern says."""
        parts = path.parts
        for depth in range(1, len(parts) + 1):
            is_folder = depth < len(parts) or (top / path).is_dir()
            for name in (_GIT, _VIVEK):
                reason = self._match(top, parts[:depth], name, is_folder=is_folder)
                if reason:
                    return reason
        return None

    def _match(self, top: Path, parts: tuple[str, ...], name: str, *, is_folder: bool) -> str | None:
        """The verdict of one family of files on one path: the deepest file that has one decides."""
        files = [
            (top.joinpath(*parts[:depth], name), parts[depth:]) for depth in range(len(parts) - 1, -1, -1)
        ]
        if name == _GIT and self._exclude is not None:
            files.append((self._exclude, parts))
        for file, below in files:
            pattern = self._deciding(file, "/".join(below), is_folder=is_folder)
            if pattern is not None:
                shown = ".git/info/exclude" if file == self._exclude else file.relative_to(top)
                return f"`{pattern.pattern!s}` in {shown}" if pattern.include else None
        return None

    def _deciding(self, file: Path, relative: str, *, is_folder: bool) -> GitIgnoreSpecPattern | None:
        """The last pattern of an ignore file that matches the path; it excludes it or takes it back."""
        patterns = (pattern for pattern in reversed(self._patterns(file)) if pattern.include is not None)
        return next((one for one in patterns if _matches(one, relative, is_folder=is_folder)), None)


def _matches(pattern: GitIgnoreSpecPattern, relative: str, *, is_folder: bool) -> bool:
    """Whether a pattern matches just this path.

    pathspec's also match all that lies below a matching folder, and mark the folder's slash. That is not
    wanted here: the folders above the path have been asked about, and a pattern that takes back a folder
    takes back no file in it.
    """
    expression = pattern.regex
    if expression is None:
        return False
    if any(found.groupdict().get(_FOLDER_MARK) is None for found in expression.finditer(relative)):
        return True
    as_folder = expression.finditer(f"{relative}/") if is_folder else ()
    return any(found.groupdict().get(_FOLDER_MARK) and found.end() > len(relative) for found in as_folder)


def _read(file: Path) -> Sequence[GitIgnoreSpecPattern]:
    """The patterns of an ignore file; none where it cannot be read. Lines that are no pattern are passed
    over."""
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError:
        return ()
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return tuple(GitIgnoreSpec.from_lines([line for line in lines if _is_valid(line)]).patterns)


def _is_valid(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _repository(root: Path) -> Path | None:
    """The top of the git repository that the project is in; never the home folder or one above it."""
    home = Path.home().resolve()
    forbidden = {home, *home.parents}
    for folder in (_absolute(root), *_absolute(root).parents):
        if folder.resolve() in forbidden:
            return None
        if (folder / ".git").exists():
            return folder
    return None


def _exclude_file(top: Path) -> Path | None:
    """The repository's own exclude file; in a worktree ``.git`` is a file that names the place."""
    git = top / ".git"
    try:
        if git.is_file():
            git = (
                top
                / git.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()
            )
            common = git / "commondir"
            git = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    except OSError:
        return None
    exclude = git / "info" / "exclude"
    return exclude if exclude.is_file() else None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (Path.absolute() keeps "..")
