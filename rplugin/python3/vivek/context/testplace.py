"""Where the tests of a source file belong: the file that has tests of it, else a new one as its neighbours are placed.

It goes by names and folders alone, of paths relative to the project's root; it reads no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from vivek.context.testfiles import FOLDERS, Naming, is_test_file, parts_of
from vivek.context.testtree import Tree

_PLAIN_FOLDERS = frozenset({*FOLDERS, "src", "lib", "lua", "main", "java", "unit"})
"""Folders that say nothing of what a file is about: ``src/shop/cart.py`` and ``tests/shop/test_cart.py`` are near."""

_PACKAGE = "__init__"
_MOST_NAMES = 3


@dataclass(frozen=True)
class Place:
    """Paths relative to the root. file: where the tests go. neighbours: other files of tests, the nearest first."""

    file: PurePath
    neighbours: tuple[PurePath, ...]


def place_of(
    source: PurePath,
    tree: Tree,
    filetype: str,
    *,
    is_about: Callable[[PurePath], bool],
    is_free: Callable[[PurePath], bool],
    folders: Sequence[str] = (),
) -> Place:
    """Where the tests of a source file go.

    is_about: whether what a test file says of itself allows for its being about the source. is_free: whether a new file
    may have a path. folders: of tests, as the project's settings name them.
    """
    near = sorted(tree.tests, key=lambda test: (_distance(test, source), len(test.parts), test.name))
    own = [test for test in near if _is_of(test, source, tree) and is_about(test)]
    if own:
        return Place(own[0], tuple(test for test in near if test != own[0]))
    folder, naming = _as_neighbours(source, near, tree) or _as_usual(source, filetype, folders)
    if not is_test_file(folder / (naming.of(subjects_of(source)[0]) + source.suffix)):
        naming = _as_usual(source, filetype, folders)[1]  # such a name is not known as one of tests
    names = [naming.of(subject) + source.suffix for subject in subjects_of(source)]
    file = next((folder / name for name in names if is_free(folder / name)), folder / names[0])
    return Place(file, tuple(near))


def subjects_of(source: PurePath) -> list[str]:
    """What a test file may call a source file, the usual name first.

    >>> subjects_of(PurePath("src/shop/cart.py")), subjects_of(PurePath("shop/__init__.py"))
    (['cart', 'shop_cart', 'src_shop_cart'], ['shop'])
    """
    parts = list(source.with_suffix("").parts)
    if parts[-1] == _PACKAGE and len(parts) > 1:
        parts.pop()
    stem = parts[-1].strip("_") or parts[-1]
    return ["_".join([*parts[-count:-1], stem]) for count in range(1, min(len(parts), _MOST_NAMES) + 1)]


def _is_of(test: PurePath, source: PurePath, tree: Tree) -> bool:
    """Whether a test file is named for a source, and for no other that is nearer to it."""
    subject, _ = parts_of(test.stem)
    names = [name.casefold() for name in subjects_of(source)]
    if subject.casefold() not in names:
        return False
    others = _named(subject, tree, but=source) if subject.casefold() == names[0] else ()
    return all(_distance(test, other) >= _distance(test, source) for other in others)


def _named(subject: str, tree: Tree, but: PurePath | None = None) -> Iterator[PurePath]:
    return (
        source
        for source in tree.sources
        if source != but and subjects_of(source)[0].casefold() == subject.casefold()
    )


def _distance(one: PurePath, other: PurePath) -> int:
    """How many folders two files do not share, but for those that say nothing."""
    first, second = (
        [part for part in path.parts[:-1] if part not in _PLAIN_FOLDERS] for path in (one, other)
    )
    shared = 0
    while shared < min(len(first), len(second)) and first[shared] == second[shared]:
        shared += 1
    return len(first) + len(second) - 2 * shared


def _as_neighbours(source: PurePath, near: Sequence[PurePath], tree: Tree) -> tuple[PurePath, Naming] | None:
    """The folder and the naming of the nearest test file of which it is known what it tests; else of the nearest."""
    for test in near:
        subject, naming = parts_of(test.stem)
        if naming == Naming() and not _folder_of_tests(test):
            continue  # it says nothing of how another is to be called
        tested = min(_named(subject, tree), key=lambda found: _distance(test, found), default=None)
        if tested is not None:
            return _folder(source, test, tested), naming
    for test in near:
        subject, naming = parts_of(test.stem)
        if naming != Naming():
            at = _folder_of_tests(test)
            return (PurePath(*test.parts[:at]) if at else source.parent), naming
    return None


def _folder(source: PurePath, test: PurePath, tested: PurePath) -> PurePath:
    """Where a source's tests go, if they go where another's are."""
    at = _folder_of_tests(test)
    if not at:
        return source.parent if test.parent == tested.parent else test.parent
    if at > 1 and test.parent.parent == tested.parent:  # a folder of tests in each folder of sources
        return source.parent / test.parent.name
    below = test.parts[at:-1]
    mirrored = bool(below) and tested.parent.parts[-len(below) :] == below
    if not mirrored:
        return test.parent
    head = tested.parent.parts[: -len(below)]
    own = source.parent.parts
    return PurePath(*test.parts[:at], *(own[len(head) :] if own[: len(head)] == head else own))


def _folder_of_tests(test: PurePath) -> int:
    """How many of a path's parts lead into its folder of tests; 0 where it is in none."""
    parts = test.parts[:-1]
    return next((at + 1 for at in range(len(parts)) if parts[at] in FOLDERS), 0)


_SUFFIXES = {
    "go": Naming(suffix="_test"),
    "lua": Naming(suffix="_spec"),
    "javascript": Naming(suffix=".test"),
    "javascriptreact": Naming(suffix=".test"),
    "typescript": Naming(suffix=".test"),
    "typescriptreact": Naming(suffix=".test"),
    "java": Naming(suffix="Test"),
    "kotlin": Naming(suffix="Test"),
    "cs": Naming(suffix="Tests"),
    "ruby": Naming(suffix="_spec"),
    "dart": Naming(suffix="_test"),
    "elixir": Naming(suffix="_test"),
}
_BESIDE = frozenset({"go", "javascript", "javascriptreact", "typescript", "typescriptreact"})
_SPECS = frozenset({"lua", "ruby"})


def _as_usual(source: PurePath, filetype: str, folders: Sequence[str]) -> tuple[PurePath, Naming]:
    """What the language's own tools look for, in a project that has no tests yet."""
    naming = _SUFFIXES.get(filetype, Naming(prefix="test_"))
    if filetype == "go":
        return source.parent, naming
    if folders:
        return PurePath(folders[0]), naming
    if filetype in _BESIDE:
        return source.parent, naming
    parts = source.parent.parts
    if "main" in parts and parts[:1] == ("src",):  # Maven, Gradle
        at = parts.index("main")
        return PurePath(*parts[:at], "test", *parts[at + 1 :]), naming
    return PurePath("spec" if filetype in _SPECS else "tests"), naming
