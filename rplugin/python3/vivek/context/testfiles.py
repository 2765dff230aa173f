"""Which files hold tests, by the names that test runners look for, and what such a name says it tests.

It reads no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

_NAMES = re.compile(
    r"^(?:tests?|tests?[_-].+|.+[_-](?:tests?|spec)|.+\.(?:tests?|spec)|[A-Z]\w*(?:Tests?|Spec)|Test[A-Z]\w*)$"
)
_PARTS = re.compile(
    r"^(?P<prefix>tests?[_-]|Test(?=[A-Z]))?(?P<subject>.+?)"
    r"(?P<suffix>[_-](?:tests?|spec)|\.(?:tests?|spec)|(?<=\w)(?:Tests?|Spec))?$"
)

BESIDE = "__tests__"
"""JavaScript's folder of tests, in which every file is one."""

FOLDERS = ("tests", "test", "spec", "specs", BESIDE)
"""Names of folders of tests, the usual ones first."""


@dataclass(frozen=True)
class Naming:
    """What a test file's name adds to the name of what it tests: ``test_`` before, or ``.spec`` after it."""

    prefix: str = ""
    suffix: str = ""

    def of(self, subject: str) -> str:
        """The stem of the test file for a subject."""
        return f"{self.prefix}{subject}{self.suffix}"


def is_test_file(path: PurePath | None) -> bool:
    """Whether a file is one of tests.

    >>> [is_test_file(PurePath(name)) for name in ("test_cart.py", "cart_test.go", "cart.spec.ts", "CartTest.java")]
    [True, True, True, True]
    >>> is_test_file(PurePath("latest.py")), is_test_file(PurePath("tests/conftest.py")), is_test_file(None)
    (False, False, False)
    """
    return path is not None and (bool(_NAMES.match(path.stem)) or BESIDE in path.parts[:-1])


def parts_of(stem: str) -> tuple[str, Naming]:
    """What a test file tests, by its stem, and what the name adds to that.

    >>> parts_of("test_cart"), parts_of("cart.spec")
    (('cart', Naming(prefix='test_', suffix='')), ('cart', Naming(prefix='', suffix='.spec')))
    """
    match = _PARTS.match(stem)
    if match is None:
        return stem, Naming()
    if match["prefix"]:  # "test_parser_spec" tests a parser_spec
        return stem[len(match["prefix"]) :], Naming(prefix=match["prefix"])
    return match["subject"], Naming(suffix=match["suffix"] or "")
