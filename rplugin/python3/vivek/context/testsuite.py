"""Finds the file that the tests of a source file belong in, and reads what must be known of it.

It bridges a project's folders (`testtree`, `testplace`) and the texts in them (`teststyle`) to a `SuiteFile`. It writes
nothing, and nothing that it names or reads lies outside the project: a link that leads out is no file of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import tomli

from vivek.context.testfiles import FOLDERS
from vivek.context.testplace import Place, place_of, subjects_of
from vivek.context.teststyle import example_of, framework_of, settings_of
from vivek.context.testtree import tree_of
from vivek.suite import SuiteFile

MOST_BYTES = 1 << 20
_MOST_READ = 6
"""So many neighbours are read for their style."""

_IMPORTED = re.compile(
    r"^\s*(?:from\s+(?P<origin>[.\w]+)\s+import\s+(?P<names>[^#\n]+)|import\s+(?P<modules>[^#\n]+))",
    re.MULTILINE,
)

Excluded = Callable[[Path], "str | None"]


def suite_of(
    source: Path, root: Path | None, filetype: str, *, unsaved: Mapping[Path, str], excluded: Excluded
) -> SuiteFile | None:
    """The file that a source's tests belong in; None where there can be none.

    unsaved: texts of files that are changed in a buffer, by absolute path. excluded: what is kept from models; such a
    file is no example, and its text goes nowhere but into itself.
    """
    source = Path(os.path.abspath(source))  # noqa: PTH100 (Path.absolute() keeps "..")
    top = Path(os.path.abspath(root)) if root else source.parent  # noqa: PTH100
    if not source.is_relative_to(top):
        source = source.resolve()
        top = top.resolve()
    if not source.is_relative_to(top):
        return None
    return _Finder(top, source.relative_to(top), filetype, unsaved, excluded).found(alone=root is None)


class _Finder:
    def __init__(
        self, root: Path, source: PurePath, filetype: str, unsaved: Mapping[Path, str], excluded: Excluded
    ) -> None:
        self._root = root
        self._source = source
        self._filetype = filetype
        self._unsaved = unsaved
        self._excluded = excluded

    def found(self, *, alone: bool) -> SuiteFile | None:
        """alone: there is no project, so that nothing but the source's own folder is looked at."""
        tree = tree_of(self._root, self._source.suffix, self._excluded if not alone else self._only_here)
        place = place_of(
            self._source,
            tree,
            self._filetype,
            is_about=self._is_about,
            is_free=lambda path: not os.path.lexists(self._root / path),
            folders=("",) if alone else self._folders(),
        )
        path = self._root / place.file
        raw = self._raw(place.file)
        if not self._is_inside(path) or (raw is None and os.path.lexists(path)):
            return None
        text = (raw or "").replace("\r\n", "\n") if _has_crlf(raw) else raw or ""
        own = text if raw is not None and not self._excluded(path) else ""
        tests = [one for one in [own, *self._texts(place)] if one]
        settings = [found for name in settings_of(self._filetype) if (found := self._text(PurePath(name)))]
        return SuiteFile(
            path=path,
            exists=raw is not None,
            text=text,
            line_end="\r\n" if _has_crlf(raw) else "\n",
            folder=Path(place.file.parent),
            framework=framework_of(self._filetype, tests, settings),
            example=next((found for one in tests if (found := example_of(one, self._filetype))), ""),
        )

    def _only_here(self, path: Path) -> str | None:
        return "another folder" if path.is_dir() else self._excluded(path)

    def _texts(self, place: Place) -> list[str]:
        near = (self._text(path) for path in place.neighbours[:_MOST_READ])
        return [text for text in near if text]

    def _text(self, path: PurePath) -> str:
        """What a file of the project holds that a model may see; "" where that is nothing."""
        if self._excluded(self._root / path):
            return ""
        raw = self._raw(path)
        return (raw or "").replace("\r\n", "\n")

    def _raw(self, path: PurePath) -> str | None:
        """What a file of the project holds; None where there is none, or none that is text."""
        whole = self._root / path
        if whole in self._unsaved:
            return self._unsaved[whole]
        try:
            if not whole.is_file() or not self._is_inside(whole) or whole.stat().st_size > MOST_BYTES:
                return None
            data = whole.read_bytes()
        except OSError:
            return None
        return None if b"\0" in data else data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")

    def _is_inside(self, path: Path) -> bool:
        """Whether a path, the links on it followed, stays in the project."""
        try:
            return path.resolve().is_relative_to(self._root.resolve())
        except (OSError, RuntimeError):  # a circle of links
            return False

    def _folders(self) -> list[str]:
        """The folders of tests that the project's settings name, and those that are there."""
        named = [name for name in self._testpaths() if self._is_inside(self._root / name)]
        return named + [
            name for name in FOLDERS if (self._root / name).is_dir() and self._is_inside(self._root / name)
        ]

    def _testpaths(self) -> list[str]:
        if self._filetype != "python":
            return []
        try:
            settings = tomli.loads(self._text(PurePath("pyproject.toml")))
        except tomli.TOMLDecodeError:
            return []
        paths = settings.get("tool", {}).get("pytest", {}).get("ini_options", {}).get("testpaths", [])
        paths = paths.split() if isinstance(paths, str) else paths
        return [path for path in paths if isinstance(path, str) and re.fullmatch(r"[\w./-]+", path)]

    def _is_about(self, test: PurePath) -> bool:
        """Whether a test file, by what it imports, may be about the source: false where it imports another module of
        the source's name and not the source's own."""
        if self._filetype != "python":
            return True
        name = subjects_of(self._source)[0]
        own = ".".join(self._source.with_suffix("").parts).removesuffix(".__init__")
        others = [module for module in _imported(self._text(test)) if module.rpartition(".")[2] == name]
        return not others or any(_same_end(module, own) for module in others)


def _imported(text: str) -> list[str]:
    """The modules that a text of Python imports, and what it imports from modules, which may be one."""
    found: list[str] = []
    for match in _IMPORTED.finditer(text):
        if match["modules"]:
            found += [part.split()[0] for part in match["modules"].split(",") if part.split()]
            continue
        names = [part.split()[0] for part in match["names"].strip("() ").split(",") if part.split()]
        found += [match["origin"], *(f"{match['origin']}.{name}" for name in names)]
    return found


def _same_end(one: str, other: str) -> bool:
    """Whether one dotted name is the end of the other: ``shop.cart`` and ``src.shop.cart``.

    >>> _same_end("shop.cart", "src.shop.cart"), _same_end("..cart", "shop.cart"), _same_end("a.cart", "b.cart")
    (True, True, False)
    """
    first, second = ([part for part in name.split(".") if part] for name in (one, other))
    size = min(len(first), len(second))
    return first[-size:] == second[-size:]


def _has_crlf(raw: str | None) -> bool:
    """Whether every line of a text ends as on Windows: then Neovim shows it without them."""
    return bool(raw) and raw is not None and "\r\n" in raw and raw.count("\n") == raw.count("\r\n")
