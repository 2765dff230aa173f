"""New tests into the text of a file of tests: what it lacks of them at its end, what they import among its imports.

Nothing of the file is taken away, and what is there already is not put in again. A new test whose name is taken by
another gets a name of its own. It runs nothing and touches no file.
"""

from __future__ import annotations

from collections.abc import Collection

from vivek.edits.items import Item
from vivek.edits.renaming import renamed
from vivek.edits.suite_blocks import SuiteBlock
from vivek.edits.suite_imports import with_imports

_CAMEL = frozenset(
    {"go", "java", "javascript", "javascriptreact", "typescript", "typescriptreact", "kotlin", "cs"}
)


def merge(base: str, tests: str, filetype: str) -> str:
    """The file's text with the tests in it; the text as it is where it has them all.

    Every line of the base text stays, in its order, but for an import that gets one name more and blank lines at the
    end. Merging the same tests again changes nothing.
    """
    if not tests.strip():
        return base
    if not base.strip():
        return SuiteBlock.of(tests.strip("\n"), filetype).spaced()
    base, code = with_imports(base, tests, filetype)
    return _merged(base, code, filetype) if code.strip() else base


def _merged(base: str, new: str, filetype: str) -> str:
    """A block of code with what it lacks of another at its end, and groups that both have merged in the same way."""
    new = _apart(SuiteBlock.of(base, filetype), new)
    fresh = SuiteBlock.of(new, filetype)
    for item in fresh.items:
        there = SuiteBlock.of(base, filetype)
        if there.has(fresh, item) or not fresh.is_of_use(item):
            continue
        twin = _twin(there, fresh, item)
        if twin is not None:
            base = there.with_body(twin, _merged(there.inner(twin), fresh.inner(item), filetype))
        else:
            base = there.with_end(_by_own_name(there, fresh, item), fresh.gap_above(item, there.usual_gap()))
    return base


def _apart(there: SuiteBlock, new: str) -> str:
    """The new code, its helpers by names that the base has for nothing else; by those that they got when the same code
    was put in before."""
    fresh = SuiteBlock.of(new, there.filetype)
    known = {
        name: there.known_as(name, shapes) for name, shapes in fresh.helpers().items() if there.has_name(name)
    }
    names = {*there.names(), *fresh.names()}
    free = {name: _free(name, names, there.filetype) for name, other in known.items() if not other}
    again = {name: other for name, other in known.items() if other not in ("", name)}
    change = next(iter([*again.items(), *free.items()]), None)
    # What uses the helper is something else by that: it is looked at anew.
    return _apart(there, renamed(new, *change, there.filetype)) if change else new


def _by_own_name(there: SuiteBlock, fresh: SuiteBlock, item: Item) -> str:
    """A new item, by a name of its own where it is a test whose name is taken."""
    text, name = fresh.text(item), fresh.name(item)
    if not name or not there.has_name(name) or not (fresh.is_test(item) or fresh.is_group(item)):
        return text
    return renamed(text, name, _free(name, {*there.names(), *fresh.names()}, there.filetype), there.filetype)


def _twin(there: SuiteBlock, fresh: SuiteBlock, item: Item) -> Item | None:
    """The group of tests in the base that an item is more of; none where the two are set up in different ways."""
    if not fresh.is_group(item):
        return None
    for other in there.items:
        alike = fresh.head(item) == there.head(other) or (
            fresh.name(item) and fresh.name(item) == there.name(other)
        )
        if alike and there.is_group(other):
            return other if _fits(there.inside(other), fresh.inside(item)) else None
    return None


def _fits(there: SuiteBlock, fresh: SuiteBlock) -> bool:
    """Whether what is no test within a new group is in the other as well, or takes no name of it."""
    return not any(
        fresh.is_setup(item) or (there.has_name(fresh.name(item)) and not fresh.is_test(item))
        for item in fresh.items
        if not there.has(fresh, item)
    )


def _free(name: str, names: Collection[str], filetype: str) -> str:
    """A name like one that is taken."""
    is_camel = filetype in _CAMEL or (name[:1].isupper() and not name.isupper())
    gap = "" if is_camel else "_"
    return next(free for count in range(2, len(names) + 3) if (free := f"{name}{gap}{count}") not in names)
