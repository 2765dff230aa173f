"""Where the tests of a file belong: the file that has some, else as the project's other tests are placed."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vivek.context.testfiles import is_test_file, parts_of
from vivek.context.testplace import place_of
from vivek.context.testtree import Tree


def place(
    source: str, *files: str, filetype: str = "python", folders: tuple[str, ...] = (), taken: str = ""
) -> str:
    paths = [PurePath(name) for name in (*files, source)]
    tree = Tree(
        tuple(path for path in paths if is_test_file(path)),
        tuple(path for path in paths if not is_test_file(path)),
    )
    found = place_of(
        PurePath(source),
        tree,
        filetype,
        is_about=lambda _test: True,
        is_free=lambda path: str(path) != taken,
        folders=folders,
    )
    return str(found.file)


@pytest.mark.parametrize(
    ("source", "files", "expected"),
    [
        # The file that has some.
        ("src/shop/cart.py", ["tests/test_cart.py"], "tests/test_cart.py"),
        ("src/shop/cart.py", ["tests/unit/shop/cart_test.py"], "tests/unit/shop/cart_test.py"),
        ("src/shop/_cart.py", ["tests/test_cart.py"], "tests/test_cart.py"),
        ("src/shop/__init__.py", ["tests/test_shop.py"], "tests/test_shop.py"),
        ("src/a/cart.py", ["tests/b/test_cart.py", "tests/a/test_cart.py"], "tests/a/test_cart.py"),
        ("src/a/cart.py", ["tests/test_a_cart.py", "tests/test_x.py"], "tests/test_a_cart.py"),
        # A new one, as its neighbours are.
        ("src/shop/cart.py", ["tests/test_price.py", "src/shop/price.py"], "tests/test_cart.py"),
        ("src/shop/cart.py", ["tests/shop/test_price.py", "src/shop/price.py"], "tests/shop/test_cart.py"),
        (
            "src/shop/tax/vat.py",
            ["tests/shop/test_price.py", "src/shop/price.py"],
            "tests/shop/tax/test_vat.py",
        ),
        ("src/shop/cart.py", ["tests/unit/test_price.py", "src/shop/price.py"], "tests/unit/test_cart.py"),
        ("shop/cart.py", ["shop/price_test.py", "shop/price.py"], "shop/cart_test.py"),
        ("shop/tax/vat.py", ["shop/tests/test_price.py", "shop/price.py"], "shop/tax/tests/test_vat.py"),
        ("shop/cart.py", ["tests/test_everything.py"], "tests/test_cart.py"),
        # Another module's tests of the same name are not ours.
        ("src/a/cart.py", ["tests/b/test_cart.py", "src/b/cart.py"], "tests/a/test_cart.py"),
        # In a project without tests.
        ("src/shop/cart.py", [], "tests/test_cart.py"),
        ("__main__.py", [], "tests/test_main.py"),
    ],
)
def test_python(source: str, files: list[str], expected: str) -> None:
    assert place(source, *files) == expected


@pytest.mark.parametrize(
    ("filetype", "source", "files", "expected"),
    [
        ("go", "shop/cart.go", [], "shop/cart_test.go"),
        ("javascript", "src/cart.js", [], "src/cart.test.js"),
        ("javascript", "src/cart.js", ["src/price.spec.js", "src/price.js"], "src/cart.spec.js"),
        (
            "typescriptreact",
            "src/ui/Cart.tsx",
            ["src/ui/Price.test.tsx", "src/ui/Price.tsx"],
            "src/ui/Cart.test.tsx",
        ),
        (
            "javascript",
            "src/a/cart.js",
            ["src/b/__tests__/price.js", "src/b/price.js"],
            "src/a/__tests__/cart.js",
        ),
        (
            "javascript",
            "src/cart.js",
            ["test/price.js", "test/price.test.js", "src/price.js"],
            "test/cart.test.js",
        ),
        ("lua", "lua/shop/cart.lua", [], "spec/cart_spec.lua"),
        ("lua", "lua/shop/cart.lua", ["tests/price_spec.lua", "lua/shop/price.lua"], "tests/cart_spec.lua"),
        ("java", "src/main/java/a/Cart.java", [], "src/test/java/a/CartTest.java"),
        (
            "java",
            "src/main/java/a/Cart.java",
            ["src/test/java/a/CartTest.java"],
            "src/test/java/a/CartTest.java",
        ),
        ("c", "src/cart.c", [], "tests/test_cart.c"),
        ("c", "src/cart.c", ["tests/price_test.c", "src/price.c"], "tests/cart_test.c"),
    ],
)
def test_other_languages(filetype: str, source: str, files: list[str], expected: str) -> None:
    assert place(source, *files, filetype=filetype) == expected


def test_the_folders_that_the_settings_name_count_in_a_project_without_tests() -> None:
    assert place("src/shop/cart.py", folders=("checks",)) == "checks/test_cart.py"
    assert place("src/cart.js", filetype="javascript", folders=("test",)) == "test/cart.test.js"
    assert place("cart.go", filetype="go", folders=("tests",)) == "cart_test.go"


def test_a_name_that_is_taken_is_made_longer() -> None:
    assert place("src/shop/cart.py", taken="tests/test_cart.py") == "tests/test_shop_cart.py"


_PARTS = st.lists(st.sampled_from(["src", "a", "b", "tests", "__tests__", "main"]), max_size=4)
_STEMS = st.sampled_from(["cart", "price", "test_cart", "price_test", "cart.spec", "__init__", "tests"])
_FILES = st.lists(st.builds(lambda parts, stem: "/".join([*parts, f"{stem}.py"]), _PARTS, _STEMS), max_size=6)


@example([], "cart", ["tests.py", "tests/__init__.py"])
@given(_PARTS, st.sampled_from(["cart", "_x", "__init__"]), _FILES)
def test_a_place_is_a_test_file_of_the_project_whatever_is_there(
    parts: list[str], stem: str, files: list[str]
) -> None:
    found = PurePath(place("/".join([*parts, f"{stem}.py"]), *files))
    assert not found.is_absolute()
    assert ".." not in found.parts
    assert is_test_file(found)


@given(st.text("abct_.-TS", min_size=1))
def test_a_name_is_what_its_parts_make(stem: str) -> None:
    subject, naming = parts_of(stem)
    assert naming.of(subject) == stem
