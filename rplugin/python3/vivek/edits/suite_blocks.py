"""A piece of a test file as what stands side by side in it: tests, groups of tests, and what they need.

It bridges the items of a text and whoever puts two such pieces together; it compares and joins, and decides nothing.
"""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from vivek.edits.indent import dedented, indentation, is_blank, margin
from vivek.edits.items import Item, items_by_lines
from vivek.edits.python_items import python_items
from vivek.edits.python_source import tree
from vivek.edits.renaming import renamed
from vivek.edits.strings import interior_lines

_CALLS = re.compile(
    r"(?:test|it|describe|context|suite|spec|specify|before|after|before_each|after_each|beforeEach|afterEach|beforeAll"
    r"|afterAll|setup|teardown|insulate|expose)\b\s*[.(]"
)
"""Calls that are handed a test: what they are called is no name of the file's."""

_RUNS = re.compile(r"if\s+__name__\s*==|os\.exit\(|return\b|lu\.LuaUnit|unittest\.main\(|[\w.]*run_tests\(")
"""How what runs the tests begins: it stays the last in the file."""

_GROUPS = re.compile(
    r"(?:(?:export|public|final|abstract|static|pub(?:\([\w: ]+\))?)\s+)*"
    r"(?:(?:class|object)\s+\w*(?:Test|Spec)|(?:mod|namespace|module)\b)|(?:describe|context|suite)\b"
)
_SETUP = re.compile(r"(?:async\s+)?(?:\w+\s+)*(?:set_?up|tear_?down|before|after)\w*\s*\(", re.IGNORECASE)
_MARKED = re.compile(r"#\[(?:\w+::)*test\b|@(?:\w+)?Test\b")
_ABOVE = re.compile(r"\s*(?:#(?!\[|include)|//|--|/?\*|@|#\[)")
_COMMENT = re.compile(r"^\s*(?://|--|#(?!\s*include|\[)).*$", re.MULTILINE)


@dataclass(frozen=True)
class SuiteBlock:
    """The lines of a piece of code, without their newlines, and its items in order."""

    lines: list[str]
    items: list[Item]
    filetype: str

    @classmethod
    def of(cls, text: str, filetype: str) -> SuiteBlock:
        """Read a text, which may be a fragment of its language."""
        items = python_items(text) if filetype == "python" else None
        return cls(text.split("\n"), items if items is not None else items_by_lines(text, filetype), filetype)

    def text(self, item: Item) -> str:
        """An item's lines."""
        return "\n".join(self.lines[item.first : item.last])

    def head(self, item: Item) -> str:
        """The line that an item begins with, what is written above that left aside."""
        return self.lines[self._start(item)].strip()

    def name(self, item: Item) -> str:
        """The one name that an item gives to something, "" where it gives none or several."""
        if item.kind not in ("definition", "value") or len(item.names) != 1 or _CALLS.match(self.head(item)):
            return ""
        return item.names[0]

    def is_test(self, item: Item) -> bool:
        """Whether it is a single test, by its name or what is written above it."""
        above = "\n".join(self.lines[item.first : self._start(item)])
        return item.kind == "definition" and (
            self.name(item).lower().startswith("test") or bool(_MARKED.search(above))
        )

    def is_setup(self, item: Item) -> bool:
        """Whether it is run before or after each test."""
        return bool(_SETUP.match(self.head(item)))

    def is_group(self, item: Item) -> bool:
        """Whether it is a class or a block of tests."""
        return bool(_GROUPS.match(self.head(item))) and self._body(item) is not None

    def is_of_use(self, item: Item) -> bool:
        """Whether it is worth putting into another file: no docstring, no comment on nothing, nothing that runs."""
        head = self.head(item)
        docstring = self.filetype == "python" and item.kind == "other" and re.match(r"[rR]?['\"]", head)
        return item.kind != "comment" and not docstring and not _RUNS.match(head)

    def shape(self, item: Item) -> str:
        """What an item is, its own name, its layout and its comments left aside."""
        return _shape(textwrap.dedent(self.text(item)), self.name(item), self.filetype)

    def has(self, other: SuiteBlock, item: Item) -> bool:
        """Whether it has an item of another block: a test by whatever name, what tests use by its own."""
        name = "" if other.is_test(item) or other.is_group(item) else other.name(item)
        shape = other.shape(item)
        return any(self.shape(one) == shape and (not name or self.name(one) == name) for one in self.items)

    def has_name(self, name: str) -> bool:
        """Whether it gives a name to something."""
        return bool(name) and name in self.names()

    def names(self) -> list[str]:
        """The names that its items have."""
        return [name for item in self.items if (name := self.name(item))]

    def helpers(self) -> dict[str, set[str]]:
        """The names of what is no test, and the shapes of all that each is given to."""
        found: dict[str, set[str]] = {}
        for item in self.items:
            if self.name(item) and not self.is_test(item) and not self.is_group(item):
                found.setdefault(self.name(item), set()).add(self.shape(item))
        return found

    def known_as(self, name: str, shapes: set[str]) -> str:
        """The name of a helper that has some shapes: the given one or one made from it; "" where there is none."""
        again = re.compile(rf"{re.escape(name)}(?:_?\d+)?$")
        found = [known for known, own in self.helpers().items() if again.match(known) and shapes <= own]
        return min(found, key=len, default="")

    def inner(self, item: Item) -> str:
        """What is within a group, at the left margin."""
        first, last = self._span(item)
        lines = self.lines[first:last]
        skip = interior_lines("\n".join(lines), self.filetype)
        plain = dedented(lines, margin(lines, skip))
        return "\n".join(line if k in skip else plain[k] for k, line in enumerate(lines)) + "\n"

    def inside(self, item: Item) -> SuiteBlock:
        """What is within a group."""
        return SuiteBlock.of(self.inner(item), self.filetype)

    def with_body(self, item: Item, body: str) -> str:
        """The text with another body in a group, given at the left margin."""
        first, last = self._span(item)
        by = margin(self.lines[first:last], interior_lines("\n".join(self.lines[first:last]), self.filetype))
        body = body.strip("\n")
        skip = interior_lines(body, self.filetype)
        put = [line if k in skip or is_blank(line) else by + line for k, line in enumerate(body.split("\n"))]
        return "\n".join([*self.lines[:first], *put, *self.lines[last:]])

    def gap_above(self, item: Item, gap: int) -> int:
        """The blank lines that an item wants above it; `gap`: the usual ones about a definition."""
        at = self.items.index(item)
        if not at:
            return gap
        above = self.items[at - 1]
        between = self.lines[above.last : item.first]
        if (
            "definition" in (above.kind, item.kind)
            or above.kind == "import"
            or not all(map(is_blank, between))
        ):
            return gap
        return min(len(between), gap)

    def spaced(self) -> str:
        """The text with at least the usual blank lines about the definitions of Python."""
        if self.filetype != "python" or not self.items:
            return "\n".join(self.lines) + "\n"
        lines = self.lines[: self.items[0].last]
        for above, item in pairwise(self.items):
            between = self.lines[above.last : item.first]
            about = "definition" in (above.kind, item.kind) and above.kind != "comment"
            lines += [*between, *([""] * (2 - len(between) if about else 0))]
            lines += self.lines[item.first : item.last]
        return "\n".join([*lines, *self.lines[self.items[-1].last :]]) + "\n"

    def with_end(self, put: str, gap: int) -> str:
        """The text with more code at its end, so many blank lines below it, but before what runs the tests."""
        end = self._filled(len(self.lines))
        tail = self.items[-1] if self.items else None
        below = [""]
        if tail is not None and tail.last >= end and _RUNS.match(self.head(tail)):
            below = [""] * self.usual_gap() + [*self.lines[tail.first : end], ""]
            end = self._filled(tail.first)
        return "\n".join([*self.lines[:end], *([""] * gap if end else []), *put.split("\n"), *below])

    def _start(self, item: Item) -> int:
        """The line on which an item itself begins."""
        plain = (k for k in range(item.first, item.last) if not _ABOVE.match(self.lines[k]))
        return next(plain, item.first)

    def _body(self, item: Item) -> tuple[int, int] | None:
        if item.body is not None:
            return item.body
        start = self._start(item)
        own = len(indentation(self.lines[start]))
        deeper = [
            k
            for k in range(start + 1, item.last)
            if not is_blank(self.lines[k]) and len(indentation(self.lines[k])) > own
        ]
        return (deeper[0], deeper[-1] + 1) if deeper else None

    def _span(self, item: Item) -> tuple[int, int]:
        body = self._body(item)
        assert body is not None, "only a group is looked into"
        return body

    def _filled(self, end: int) -> int:
        """The end of the text above a line, blank lines left aside."""
        while end and is_blank(self.lines[end - 1]):
            end -= 1
        return end

    def usual_gap(self) -> int:
        """The blank lines between definitions: as they are, else two in Python at the left margin."""
        gaps = [
            below.first - above.last
            for above, below in pairwise(self.items)
            if "definition" in (above.kind, below.kind)
            and "import" not in (above.kind, below.kind)
            and all(map(is_blank, self.lines[above.last : below.first]))
        ]
        usual = 2 if self.filetype == "python" and not self._is_within_class() else 1
        return max(min(min(gaps, default=usual), 2), 1)

    def _is_within_class(self) -> bool:
        """Whether the code looks like the body of a class: functions that begin with self."""
        return any(
            re.match(r"(?:async\s+)?def\s+\w+\(\s*(?:self|cls)\b", self.head(item)) for item in self.items
        )


@lru_cache(maxsize=1024)
def _shape(text: str, name: str, filetype: str) -> str:
    text = renamed(text, name, "_", filetype) if name else text
    module = tree(text) if filetype == "python" else None
    if module is not None:
        return ast.dump(_bare(module))
    return re.sub(r"[\s;,]+", "", _COMMENT.sub("", text)).replace("'", '"')


def _bare(module: ast.Module) -> ast.Module:
    """The tree without docstrings."""
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and (
            ast.get_docstring(node, clean=False) is not None and len(node.body) > 1
        ):
            del node.body[0]
    return module
