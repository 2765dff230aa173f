"""New tests into the text of a file of tests: what it lacks of them at its end, what they import among its imports.

Nothing of the file is taken away, and what is there already is not put in again. A new test whose name is taken by
another gets a name of its own. It runs nothing and touches no file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from vivek.edits.items import Item
from vivek.edits.renaming import renamed
from vivek.edits.suite_blocks import SuiteBlock
from vivek.edits.suite_imports import with_imports

_CAMEL = frozenset({"go", "java", "javascript", "javascriptreact", "typescript", "typescriptreact", "kotlin", "cs"})


def merge(base: str, tests: str, filetype: str) -> str:
    """The file's text with the tests in it; the text as it is where it has them all.

    Every line of the base text stays, in its order, but for an import that gets one name more and blank lines at the
    end. Merging the same tests again changes nothing.
    """
    if not tests.strip():
        return base
    if not base.strip():
        return tests.strip("\n") + "\n"
    base, code = with_imports(base, tests, filetype)
    return _merged(base, code, filetype) if code.strip() else base


def _merged(base: str, new: str, filetype: str) -> str:
    """A block of code with what it lacks of another at its end, and what both contain merged in the same way."""
    new = _recognised(SuiteBlock.of(base, filetype), new)
    fresh = SuiteBlock.of(new, filetype)
    rest: list[Item] = []
    for item in fresh.items:
        there = SuiteBlock.of(base, filetype)
        twin = _twin(there, fresh, item)
        if twin is not None:
            base = there.with_body(twin, _merged(there.inner(twin), fresh.inner(item), filetype))
        elif fresh.is_of_use(item):
            rest.append(item)
    there = SuiteBlock.of(base, filetype)
    shapes = {there.shape(item) for item in there.items}
    wanted = [item for item in rest if fresh.shape(item) not in shapes]
    put = fresh.joined(wanted, there.usual_gap())
    names = set(_names(there))
    for name in _names(fresh, wanted):
        if name in names:
            free = _free(name, {*names, *_names(fresh)}, filetype)
            put = renamed(put, name, free, filetype)
            names.add(free)
    return there.with_end(put) if put.strip() else base


def _recognised(there: SuiteBlock, new: str) -> str:
    """The new code with the names by which the base knows what was renamed when it was put in before."""
    fresh = SuiteBlock.of(new, there.filetype)
    for item in fresh.items:
        name = fresh.name(item)
        if not name or any(there.name(other) == name and _same(there, other, fresh, item) for other in there.items):
            continue
        again = re.compile(rf"{re.escape(name)}_?\d+$")
        for other in there.items:
            if again.match(there.name(other)) and _same(there, other, fresh, item):
                new = renamed(new, name, there.name(other), there.filetype)
                break
    return new


def _same(there: SuiteBlock, other: Item, fresh: SuiteBlock, item: Item) -> bool:
    return there.shape(other) == fresh.shape(item)


def _twin(there: SuiteBlock, fresh: SuiteBlock, item: Item) -> Item | None:
    """The group of tests in the base that an item is more of; none where the two are set up in different ways."""
    if not fresh.is_group(item):
        return None
    for other in there.items:
        alike = fresh.head(item) == there.head(other) or (fresh.name(item) and fresh.name(item) == there.name(other))
        if alike and there.is_group(other):
            return other if _fits(there.inside(other), fresh.inside(item)) else None
    return None


def _fits(there: SuiteBlock, fresh: SuiteBlock) -> bool:
    """Whether what is no test within a new group is in the other as well, or takes no name of it."""
    shapes, names = {there.shape(item) for item in there.items}, set(_names(there))
    return not any(
        fresh.is_setup(item) or (fresh.name(item) in names and not fresh.is_test(item))
        for item in fresh.items
        if fresh.shape(item) not in shapes
    )


def _names(block: SuiteBlock, items: Iterable[Item] | None = None) -> list[str]:
    return [name for item in (block.items if items is None else items) if (name := block.name(item))]


def _free(name: str, names: Collection[str], filetype: str) -> str:
    """A name like one that is taken."""
    is_camel = filetype in _CAMEL or (name[:1].isupper() and not name.isupper())
    gap = "" if is_camel else "_"
    return next(free for count in range(2, len(names) + 3) if (free := f"{name}{gap}{count}") not in names)


