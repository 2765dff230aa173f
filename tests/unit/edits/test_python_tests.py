"""Tests as text: the right import, no copy of what is tested, single ones left out."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.python_tests import left_out, names_in, tidied

IMPORT = "from shop.cart import total"
TESTS = "def test_total():\n    assert total([]) == 0\n"

_NAMES = st.sampled_from(["test_a", "test_b", "helper", "total"])
_FUNCTION = st.builds("def {}():\n    assert total([]) == {}\n".format, _NAMES, st.integers(0, 9))
_METHOD = st.builds("    def {}(self):\n        assert total([]) == {}\n".format, _NAMES, st.integers(0, 9))
_CLASS = st.lists(_METHOD, min_size=1, max_size=3).map(lambda methods: "class TestIt:\n" + "\n".join(methods))
_FILES = st.lists(_FUNCTION | _CLASS | st.just("import pytest\n") | st.just("# é\n"), max_size=5).map(
    "\n\n".join
)


@pytest.mark.parametrize(
    "head",
    [
        "",
        f"{IMPORT}\n\n\n",
        "from your_module import total\n\n\n",
        "from cart import *\n\n\n",
        "def total(items):\n    return sum(items)\n\n\n",
        "@cache\ndef total(items):\n    return sum(items)\n\n\n",
    ],
)
def test_what_is_tested_is_imported_from_where_it_is(head: str) -> None:
    assert tidied(head + TESTS, ["total"], IMPORT) == f"{IMPORT}\n\n\n{TESTS}"


def test_a_forgotten_import_of_pytest_is_added() -> None:
    test = "def test_none():\n    with pytest.raises(TypeError):\n        total(None)\n"
    tidy = tidied(f"{IMPORT}\n\n\n{test}", ["total"], IMPORT)
    assert "import pytest\n" in tidy
    assert tidy.count("import") == 2
    assert tidied(tidy, ["total"], IMPORT) == tidy


def test_other_imports_stay() -> None:
    text = f"import pytest\nfrom decimal import Decimal\n{TESTS}"
    tidy = tidied(text, ["total"], IMPORT)
    assert {"import pytest", "from decimal import Decimal", IMPORT} <= set(tidy.split("\n"))


def test_without_a_known_import_nothing_is_changed() -> None:
    assert tidied(TESTS, ["total"], "") == TESTS


def test_a_class_whose_last_test_is_left_out_goes_with_it() -> None:
    text = f"{TESTS}\n\nclass TestIt:\n    def test_a(self):\n        assert total([1]) == 1\n"
    assert left_out(text, {"TestIt.test_a"}) == TESTS
    assert left_out(text, {"test_a"}) == text


def test_no_gap_stays_where_a_test_was() -> None:
    text = f"def test_a():\n    pass\n\n\ndef test_b():\n    pass\n\n\n{TESTS}"
    assert left_out(text, {"test_b"}) == f"def test_a():\n    pass\n\n\n{TESTS}"


def test_a_decorated_test_is_left_out_with_its_decorators() -> None:
    text = f"@mark(\n    1\n)\ndef test_a():\n    pass\n\n\n{TESTS}"
    assert left_out(text, {"test_a"}) == TESTS


@given(_FILES, st.sets(st.sampled_from(["test_a", "TestIt.test_a", "TestIt.test_b"])))
def test_only_the_named_tests_are_left_out_and_the_rest_still_parses(text: str, names: set[str]) -> None:
    after = left_out(text, names)
    ast.parse(after)
    assert names_in(after) == [name for name in names_in(text) if name not in names]


@given(_FILES)
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidied(text, ["total"], IMPORT)
    assert once.count(IMPORT) == 1
    assert tidied(once, ["total"], IMPORT) == once
    assert names_in(once) == names_in(text)


@given(st.text())
def test_what_does_not_parse_is_left_as_it_is(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        assert tidied(text, ["total"], IMPORT) == text
        assert left_out(text, {"test_a"}) == text
