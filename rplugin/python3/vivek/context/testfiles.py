"""Which files hold tests, by the names that test runners look for. It reads no file."""

from __future__ import annotations

import re
from pathlib import PurePath

_NAMES = re.compile(
    r"^(?:tests?|tests?[_-].+|.+[_-](?:tests?|spec)|.+\.(?:tests?|spec)|[A-Z]\w*(?:Tests?|Spec)|Test[A-Z]\w*)$"
)


def is_test_file(path: PurePath | None) -> bool:
    """Whether a file is one of tests.

    >>> [is_test_file(PurePath(name)) for name in ("test_cart.py", "cart_test.go", "cart.spec.ts", "CartTest.java")]
    [True, True, True, True]
    >>> is_test_file(PurePath("latest.py")), is_test_file(PurePath("tests/conftest.py")), is_test_file(None)
    (False, False, False)
    """
    return path is not None and bool(_NAMES.match(path.stem))
