"""The findings that a project does not want to hear of again: ``.vivek/dismissed``, a text file to be committed.

One line a finding: its key, its file, who said it and what. The key alone counts; the rest is for people. Lines are
kept in order, so that two branches that dismiss different findings merge without a conflict more often than not.
"""

from __future__ import annotations

import re
from pathlib import Path

from vivek.errors import RequestError
from vivek.review.export import write

NAME = "dismissed"

_HEADER = """\
# Findings of :VivekReview that this project does not want to hear of again, one a line: key, file, who said it, what.
# The key alone counts. Take a line out to hear of it again.
"""

_KEY = re.compile(r"[0-9a-f]{16}")


def dismissed_keys(root: Path | None) -> frozenset[str]:
    """The keys that a project dismissed; none where it has no such file, or one that cannot be read."""
    if root is None:
        return frozenset()
    try:
        text = _file(root).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(found[0] for line in text.split("\n") if (found := _KEY.match(line)))


def dismiss(root: Path | None, path: Path, key: str, about: str) -> Path:
    """Add a finding to the project's file, which is made where there is none; gives the file's path.

    path: the finding's file. about: who said what. Raises RequestError where there is no project, the key is none, or
    the file cannot be written.
    """
    if root is None:
        raise RequestError(
            f"{path.name or 'The buffer'} is in no project, so there is no place to keep what is dismissed.",
            hint="Make one: git init, or mkdir .vivek.",
        )
    if not _KEY.fullmatch(key):
        raise RequestError(f"{key!r} is the key of no finding.", hint="Review the file again.")
    file = _file(root)
    try:
        _refuse_links(file)
        file.parent.mkdir(exist_ok=True)
        text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else _HEADER
        if key not in dismissed_keys(root):
            write(file, _with(text, " ".join(f"{key} {_shown(path, root)} {about}".split())))
    except OSError as error:
        raise RequestError(
            f"{file} cannot be written: {error.strerror}.", hint="Make it and its folder writable."
        ) from error
    return file


def _file(root: Path) -> Path:
    return root / ".vivek" / NAME


def _refuse_links(file: Path) -> None:
    """A link in a cloned repository may lead anywhere."""
    for place in (file, file.parent):
        if place.is_symlink():
            raise RequestError(
                f"{place} is a link, and is not written through.", hint="Make it a plain file."
            )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _with(text: str, line: str) -> str:
    """The file's text with a line more, before the first that comes after it; comments stay where they are."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    place = next(
        (at for at, other in enumerate(lines) if _KEY.match(other) and other > line),
        len(lines),
    )
    return "\n".join([*lines[:place], line, *lines[place:]]) + "\n"
