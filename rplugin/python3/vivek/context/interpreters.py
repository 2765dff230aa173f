"""Which Python the user's code runs with, and whether it may be started to ask it for its paths.

jedi learns an environment's paths by starting its interpreter, and that runs what the environment's ``.pth``
files say. A cloned repository can bring an environment along, so one inside the project is started only
where the user has activated it (``VIRTUAL_ENV`` names it) or trusts the project. Otherwise jedi gets the
environment's folders as mere paths. This module starts interpreters and nothing else; it imports nothing
from where it looks.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jedi.api.environment import Environment, InvalidPythonEnvironment

_HIDDEN = frozenset({"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"})
_SITE_FOLDERS = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Interpreter:
    """Where jedi looks for modules. sites: the folders of installed packages among `paths`."""

    environment: Environment
    paths: tuple[str, ...]
    sites: tuple[Path, ...]


def interpreter_for(root: Path | None, *, trusted: bool) -> Interpreter:
    """The user's interpreter: the active environment, the project's own, the ``python3`` on the PATH, or
    Vivek's.

    ``PYTHONPATH`` is hidden from whatever is started, for a ``sitecustomize`` in it would run; its folders
    are paths.
    """
    own = _venv_in(root) if root else None
    for python in _candidates(own):
        if _may_start(python, root, trusted=trusted) and (environment := _started(python)) is not None:
            paths = environment.get_sys_path()
            return _interpreter(environment, paths)
        if own is not None and python == own / "bin" / "python":
            break
    environment = _own_environment()
    paths = environment.get_sys_path()
    if own is not None:
        paths = [path for path in paths if Path(path).name not in _SITE_FOLDERS] + _site_folders(own)
    return _interpreter(environment, paths)


def python_for(root: Path | None) -> Path:
    """The interpreter that the user's code runs with, which is not started: to run something with, in a sandbox."""
    own = _venv_in(root) if root else None
    usable = (python for python in _candidates(own) if python.is_absolute() and python.is_file())
    return next(usable, Path(sys.executable))


def _interpreter(environment: Environment, paths: list[str]) -> Interpreter:
    everything = [*paths, *_python_path()]
    sites = tuple(Path(path).resolve() for path in everything if Path(path).name in _SITE_FOLDERS)
    return Interpreter(environment, tuple(dict.fromkeys(everything)), sites)


def _candidates(own: Path | None) -> Iterator[Path]:
    """Interpreters in the order of how surely they are the user's choice."""
    if active := _folder_named_by("VIRTUAL_ENV"):
        yield active / "bin" / "python"
    if own is not None:
        yield own / "bin" / "python"
    if conda := _folder_named_by("CONDA_PREFIX"):
        yield conda / "bin" / "python"
    if found := shutil.which("python3"):
        yield Path(found)


def _may_start(python: Path, root: Path | None, *, trusted: bool) -> bool:
    if not python.is_absolute():
        return False
    if trusted or root is None or not _inside(python, root):
        return True
    active = _folder_named_by("VIRTUAL_ENV")
    return active is not None and python.parent.parent == active


def _inside(python: Path, root: Path) -> bool:
    """Whether any way to read the path leads into the project: as written, its folder resolved, all of it
    resolved."""
    readings = (Path(os.path.abspath(python)), python.parent.resolve() / python.name, python.resolve())  # noqa: PTH100
    roots = (Path(os.path.abspath(root)), root.resolve())  # noqa: PTH100
    return any(reading.is_relative_to(one) for reading in readings for one in roots)


def _venv_in(root: Path) -> Path | None:
    """The project's virtual environment, by the file that every one has; ``.venv`` and ``venv`` first."""
    found = sorted(config.parent for config in root.glob("*/pyvenv.cfg"))
    return min(found, key=lambda folder: folder.name not in (".venv", "venv"), default=None)


def _site_folders(venv: Path) -> list[str]:
    return [str(folder) for folder in sorted(venv.glob("lib/python3*/site-packages"))]


def _folder_named_by(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return Path(value) if value and Path(value).is_absolute() else None


def _python_path() -> list[str]:
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [entry for entry in entries if entry and Path(entry).is_absolute()]


@lru_cache(maxsize=8)
def _cached(python: Path) -> Environment:
    visible = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    return Environment(str(python), env_vars=visible)


def _started(python: Path) -> Environment | None:
    """jedi's handle on the interpreter, one process for all asks; None where it does not work as one."""
    try:
        environment = _cached(python) if python.is_file() else None
        if environment is not None:
            environment.get_grammar()
    except (InvalidPythonEnvironment, NotImplementedError):
        return None
    return environment


def _own_environment() -> Environment:
    """Vivek's own interpreter, which runs already."""
    return _cached(Path(sys.executable))
