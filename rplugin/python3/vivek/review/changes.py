"""Which lines of a text are not as they were in a git revision, staged or not, saved or not.

It asks git alone, and reads the old text without the project's filters: nothing of a cloned repository is run.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from vivek.errors import RequestError
from vivek.request import line_count
from vivek.review.request import HEAD, ReviewRequest

SECONDS = 30.0

Range = tuple[int, int]

_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
"""Git sets these for a hook that it runs; each file is in the repository that its folder is in."""

_HUNK = re.compile(rb"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


def lines_of(request: ReviewRequest) -> tuple[tuple[Range, ...] | None, frozenset[int]]:
    """Which lines a request is about (None: all), and which of the file's are new, for those to be looked at first.

    Raises RequestError where the request is about what changed and nothing tells what did.
    """
    if request.since is None:
        try:
            changed = changed_ranges(request.text, request.path, HEAD)
        except RequestError:  # only the order depends on it
            changed = ()
        return request.ranges, _all(changed)
    changed = changed_ranges(request.text, request.path, request.since)
    if request.ranges is None:
        return changed, _all(changed)
    both = [(max(a, first), min(b, last)) for a, b in changed for first, last in request.ranges]
    return tuple((first, last) for first, last in both if first <= last), _all(changed)


def _all(ranges: Iterable[Range]) -> frozenset[int]:
    return frozenset(line for first, last in ranges for line in range(first, last + 1))


def changed_ranges(text: str, path: Path | None, revision: str) -> tuple[Range, ...]:
    """The changed lines, 1-based and inclusive; the neighbours of lines that are gone; all of a file that is new.

    Raises RequestError where there is no repository, no such revision, or no git.
    """
    if path is None:
        raise RequestError("An unnamed buffer has no earlier version.", hint="Write it to a file first.")
    lines = line_count(text)
    old = _old_text(path, revision)
    if old is None:
        return ((1, lines),) if lines else ()
    return tuple(_ranges(_difference(old, text.encode("utf-8", "surrogateescape")), lines))


def changed_files(folder: Path, revision: str) -> list[Path]:
    """The files of the repository that changed since the revision and are still there, untracked ones included.

    Raises RequestError as `changed_ranges`.
    """
    _verified(folder, revision)
    top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").strip()))
    changed = _git(top, "diff", "--name-only", "--no-ext-diff", "--diff-filter=d", "-z", revision, "--")
    new = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    names = {os.fsdecode(name) for name in (changed + new).split(b"\0") if name}
    return [top / name for name in sorted(names)]


def _old_text(path: Path, revision: str) -> bytes | None:
    """The file as it was; None where it was not yet there."""
    folder = path.resolve().parent
    _verified(folder, revision)
    try:
        return _git(folder, "cat-file", "blob", f"{revision}:./{path.resolve().name}")
    except RequestError:
        return None


def _verified(folder: Path, revision: str) -> None:
    if revision.startswith("-"):
        raise RequestError(f"{revision!r} is no revision.", hint="Name a commit, a branch or a tag.")
    try:
        _git(folder, "rev-parse", "--git-dir")
    except RequestError as error:
        raise RequestError(
            f"{folder} is in no git repository, so nothing tells what changed.",
            hint=f"Review the whole file. {error.message}",
        ) from error
    try:
        _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except RequestError as error:
        raise RequestError(
            f"There is no revision {revision!r} in the repository of {folder}.",
            hint="Name a commit, a branch or a tag.",
        ) from error


def _difference(old: bytes, new: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="vivek-") as held:
        folder = Path(held)
        (folder / "old").write_bytes(old)
        (folder / "new").write_bytes(new)
        options = ("--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--text", "--unified=0")
        return _git(folder, "diff", *options, "--ignore-cr-at-eol", "--", "old", "new", differs=True)


def _ranges(difference: bytes, lines: int) -> Iterator[Range]:
    for hunk in _HUNK.finditer(difference):
        start, count = int(hunk[1]), int(hunk[2] or 1)
        if count:
            yield start, start + count - 1
        elif lines:
            yield max(start, 1), min(start + 1, lines)


def _git(folder: Path, *arguments: str, differs: bool = False) -> bytes:
    """What git prints. differs: its exit status of 1 is an answer. Raises RequestError."""
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RequestError(
            f"git cannot be asked what changed: {error}.", hint="Install git, or review the whole file."
        ) from error
    if ran.returncode > (1 if differs else 0):
        told = ran.stderr.decode("utf-8", "replace").strip()
        raise RequestError(f"git failed: {told[:200]}.", hint="See whether the repository is sound.")
    return ran.stdout
