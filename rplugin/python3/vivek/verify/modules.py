"""By which name, and from which folder, Python imports a file of the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_INIT = "__init__.py"
_SOURCES = Path("src")
_RELATIVE_IMPORT = re.compile(r"^[ \t]*from[ \t]+\.", re.MULTILINE)


@dataclass(frozen=True)
class Module:
    """name: dotted, as ``pkg.part``. roots: folders for the path, relative to the project, the module's own first."""

    name: str
    roots: tuple[Path, ...]


def module_of(root: Path, file: Path, text: str) -> Module:
    """How a file is imported; `file` is relative to `root`, whose folders are looked at."""
    names, folder = [] if file.name == _INIT else [file.stem], file.parent
    while folder != folder.parent and (root / folder / _INIT).is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    if names == [file.stem] and _RELATIVE_IMPORT.search(text):  # a package that has no __init__.py
        folder = _SOURCES if file.is_relative_to(_SOURCES) else Path()
        names = list(file.relative_to(folder).with_suffix("").parts)
    usual = [Path(source) for source in (_SOURCES, Path()) if (root / source).is_dir()]
    return Module(".".join(names) or file.stem, tuple(dict.fromkeys((folder, *usual))))
