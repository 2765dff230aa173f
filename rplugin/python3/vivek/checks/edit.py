"""The edit under review, and what a check says of it.

It compares nothing itself; every check takes an `Edit` and returns a `Check`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Check:
    """What one check found.

    detail: for a failed check, one sentence that tells a model what to mend; "" for a passed one. weight: how
    much of the score a failure takes, in [0, 1].
    """

    name: str
    passed: bool
    detail: str
    weight: float


ADVICE_WEIGHT = 0.05
"""For what may well be meant: it is told, and settles which of two equal attempts is better, no more."""


def passed(name: str, weight: float) -> Check:
    """A check that found nothing wrong."""
    return Check(name, True, "", weight)


def failed(name: str, weight: float, detail: str) -> Check:
    """A check that found what `detail` says."""
    return Check(name, False, detail, weight)


@dataclass(frozen=True)
class Edit:
    """A document before and after, and where its target is in both.

    before, after: whole texts. first, last: the target's lines before; after_first, after_last: after
    (1-based, inclusive; last = first - 1 where the target is empty, as for an insertion).
    """

    before: str
    after: str
    filetype: str
    first: int
    last: int
    after_first: int
    after_last: int
    instruction: str

    @cached_property
    def old(self) -> list[str]:
        """The target's lines before, without line ends."""
        return _lines(self.before)[self.first - 1 : self.last]

    @cached_property
    def new(self) -> list[str]:
        """The lines in the target's place after, without line ends."""
        return _lines(self.after)[self.after_first - 1 : self.after_last]

    @cached_property
    def tree_before(self) -> ast.Module | None:
        """Python's syntax tree before; None where it does not parse or is another language."""
        return python_tree(self.before) if self.filetype == "python" else None

    @cached_property
    def tree_after(self) -> ast.Module | None:
        """Python's syntax tree after; None where it does not parse or is another language."""
        return python_tree(self.after) if self.filetype == "python" else None


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names as code in a sentence: "`a`, `b` and `c`", at most so many of them."""
    quoted = [f"`{name}`" for name in names[:most]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def parseable(text: str) -> str:
    """The text with what Python's parser cannot take replaced, line for line: NUL, lone surrogates, "\\r"."""
    lines = _NOT_TEXT.sub("?", text).split("\n")
    return "\n".join(line.rstrip("\r").replace("\r", " ") for line in lines)


def python_tree(text: str) -> ast.Module | None:
    """Python's syntax tree of a whole text; None where it does not parse."""
    try:
        return parsed(text)
    except SyntaxError:
        return None


def parsed(text: str) -> ast.Module:
    """Python's syntax tree of a whole text. Raises SyntaxError, also for what only compiling finds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(parseable(text))
            compile(tree, "<text>", "exec", dont_inherit=True)
            return tree
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise SyntaxError(str(error) or "too deeply nested") from error


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.split("\n")]
