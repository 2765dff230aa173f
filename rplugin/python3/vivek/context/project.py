"""Where a file's project begins, and where Vivek keeps that project's state.

It looks at names in folders only; nothing in a project is read or run.
"""

from __future__ import annotations

import os
from pathlib import Path

from vivek.paths import state_dir

MARKERS = (
    ".git",
    ".hg",
    ".jj",
    ".vivek",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "package.json",
    "deno.json",
    "Cargo.toml",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "compile_commands.json",
    "Gemfile",
    "composer.json",
    "stylua.toml",
    ".luarc.json",
)
"""Names of which one in a folder makes it a project. None is a file that subfolders of a project have too,
as a Makefile is."""

_STATE = ".vivek"
_IGNORED = "checkpoints.db*"


def find_root(path: Path) -> Path | None:
    """The nearest folder with a marker, from a file's folder (or the folder itself) upwards.

    Never the home folder or one above it: a dotfiles repository in ``$HOME`` does not make every file its
    own. Where the path as it is written leads to no project, the file that it links to is tried. None where
    there is no project.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 (Path.absolute() keeps "..")
    return _nearest(absolute) or _nearest(absolute.resolve())


def state_dir_for(root: Path | None) -> Path:
    """The folder for a project's conversations: ``.vivek/`` at its root, made where missing, with a
    ``.gitignore``.

    Without a project, and where ``.vivek`` cannot be a plain folder with plain files of that project (a
    read-only checkout; a link that leads out of a cloned repository), it is the user's own state folder.
    """
    if root is None:
        return state_dir()
    folder = root / _STATE
    try:
        folder.mkdir(exist_ok=True)
        if folder.is_symlink() or any(file.is_symlink() for file in folder.iterdir()):
            return state_dir()
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text(f"{_IGNORED}\n", encoding="utf-8")
    except OSError:
        return state_dir()
    return folder


def _nearest(path: Path) -> Path | None:
    home = Path.home().resolve()
    forbidden = {home, *home.parents}
    for folder in (path, *path.parents):
        if folder.resolve() in forbidden:
            return None
        if any(os.path.lexists(folder / marker) for marker in MARKERS):
            return folder
    return None
