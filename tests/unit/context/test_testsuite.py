"""The file that tests belong in, on disk: which one, what it holds, how the project writes tests; never outside of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivek.context.ignore import Ignore
from vivek.context.teststyle import EXAMPLE_CHARACTERS, example_of, framework_of
from vivek.context.testsuite import suite_of
from vivek.suite import SuiteFile

PYTEST = "import pytest\n\nfrom shop.price import price\n\n\ndef test_price():\n    assert price(1) == 2\n"
UNITTEST = "import unittest\n\nfrom shop.price import price\n\n\nclass TestPrice(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(price(1), 2)\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write(folder, {"pyproject.toml": "", "shop/cart.py": "def total():\n    return 0\n", "shop/price.py": ""})
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode("utf-8", "surrogateescape"))


def found(
    root: Path, source: str = "shop/cart.py", *, filetype: str = "python", **unsaved: str
) -> SuiteFile | None:
    buffers = {root / name.replace("__", "/"): text for name, text in unsaved.items()}
    return suite_of(root / source, root, filetype, unsaved=buffers, excluded=Ignore(root).excluded)


def test_the_file_that_is_there_with_what_it_holds(root: Path) -> None:
    write(root, {"tests/test_cart.py": PYTEST})
    suite = found(root)
    assert suite is not None
    assert (suite.path, suite.exists, suite.text) == (root / "tests/test_cart.py", True, PYTEST)
    assert (suite.framework, suite.folder) == ("pytest", Path("tests"))
    assert (
        suite.example
        == "import pytest\nfrom shop.price import price\n\ndef test_price():\n    assert price(1) == 2\n"
    )


def test_a_new_file_takes_its_style_from_the_neighbours(root: Path) -> None:
    write(root, {"tests/test_price.py": UNITTEST})
    suite = found(root)
    assert suite is not None
    assert (suite.path.name, suite.exists, suite.text) == ("test_cart.py", False, "")
    assert suite.framework == "unittest"
    assert "class TestPrice(unittest.TestCase):\n    def test_one(self):\n" in suite.example


def test_what_is_in_a_buffer_comes_before_what_is_on_disk(root: Path) -> None:
    write(root, {"tests/test_cart.py": "x\n"})
    suite = suite_of(
        root / "shop/cart.py",
        root,
        "python",
        unsaved={root / "tests/test_cart.py": PYTEST},
        excluded=lambda _path: None,
    )
    assert suite is not None
    assert suite.text == PYTEST


def test_a_file_that_is_in_a_buffer_alone_is_there(root: Path) -> None:
    suite = suite_of(
        root / "shop/cart.py",
        root,
        "python",
        unsaved={root / "tests/test_cart.py": PYTEST},
        excluded=lambda _path: None,
    )
    assert suite is not None
    assert (suite.exists, suite.text) == (True, PYTEST)


def test_the_tests_of_a_module_of_the_same_name_are_not_taken(root: Path) -> None:
    write(root, {"other/cart.py": "", "tests/test_cart.py": "from other.cart import total\n"})
    suite = found(root)
    assert suite is not None
    assert suite.path == root / "tests/test_shop_cart.py"
    write(root, {"tests/test_cart.py": "from shop import cart\n"})
    again = found(root)
    assert again is not None
    assert again.path == root / "tests/test_cart.py"


def test_the_settings_say_where_and_with_what(root: Path) -> None:
    write(root, {"pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["checks"]\n'})
    suite = found(root)
    assert suite is not None
    assert (suite.path, suite.framework) == (root / "checks/test_cart.py", "pytest")
    write(root, {"package.json": '{"devDependencies": {"vitest": "1"}}', "web/a.ts": ""})
    script = found(root, "web/a.ts", filetype="typescript")
    assert script is not None
    assert (script.path, script.framework) == (root / "web/a.test.ts", "Vitest")


@pytest.mark.parametrize("names", ['"../out"', '"/etc"', "7", '"checks" 8'])
def test_settings_lead_nowhere_outside(root: Path, names: str) -> None:
    write(root, {"pyproject.toml": f"[tool.pytest.ini_options]\ntestpaths = [{names}]\n"})
    suite = found(root)
    assert suite is not None
    assert suite.path == root / "tests/test_cart.py"


def test_a_folder_that_leads_out_of_the_project_is_none_of_it(root: Path, tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere/test_cart.py": PYTEST})
    (root / "tests").symlink_to(tmp_path / "elsewhere")
    assert found(root) is None


def test_a_file_that_leads_out_of_the_project_is_neither_read_nor_offered(root: Path, tmp_path: Path) -> None:
    write(tmp_path, {"secret.py": PYTEST})
    write(root, {"tests/conftest.py": ""})
    (root / "tests/test_cart.py").symlink_to(tmp_path / "secret.py")
    suite = found(root)
    assert suite is not None
    assert (suite.path, suite.text, suite.example) == (root / "tests/test_shop_cart.py", "", "")


def test_what_is_kept_from_models_is_no_example_but_is_merged_with(root: Path) -> None:
    write(root, {".vivekignore": "tests/\n", "tests/test_cart.py": PYTEST, "tests/test_price.py": PYTEST})
    suite = found(root)
    assert suite is not None
    assert suite.path != root / "tests/test_cart.py" or suite.text == PYTEST
    assert suite.example == ""


@pytest.mark.parametrize("data", ["a\0b", "x" * (1 << 20) + "y"])
def test_what_is_no_text_or_too_long_is_left_alone(root: Path, data: str) -> None:
    write(root, {"tests/test_cart.py": data})
    assert found(root) is None


def test_lines_that_end_as_on_windows_are_told(root: Path) -> None:
    write(root, {"tests/test_cart.py": PYTEST.replace("\n", "\r\n")})
    suite = found(root)
    assert suite is not None
    assert (suite.text, suite.line_end) == (PYTEST, "\r\n")


def test_a_file_of_no_project_has_its_tests_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"a/cart.py": "", "a/b/test_cart.py": PYTEST})
    suite = suite_of(tmp_path / "a/cart.py", None, "python", unsaved={}, excluded=lambda _path: None)
    assert suite is not None
    assert (suite.path, suite.exists) == (tmp_path / "a/test_cart.py", False)


GO = 'package a\n\nimport "testing"\n\nfunc TestArea(t *testing.T) {\n\tif Area(1) != 3 {\n\t\tt.Fatal("no")\n\t}\n}\n'
JEST = "import { area } from './a.js';\n\ndescribe('area', () => {\n  it('is 3', () => {\n    expect(area(1)).toBe(3);\n  });\n});\n"


@pytest.mark.parametrize(
    ("filetype", "text", "shown"),
    [
        ("go", GO, GO.split("\n", 4)[4]),
        ("javascript", JEST, "  it('is 3', () => {\n    expect(area(1)).toBe(3);\n  });\n"),
        ("python", UNITTEST, "class TestPrice(unittest.TestCase):\n    def test_one(self):\n"),
    ],
)
def test_an_example_is_a_whole_short_test(filetype: str, text: str, shown: str) -> None:
    assert shown in example_of(text, filetype)


def test_an_example_never_grows_beyond_its_bound() -> None:
    long = "".join(f"def test_{k}():\n    assert {k} == {'1 + ' * 400}1\n\n\n" for k in range(3))
    assert example_of(long, "python") == ""
    assert len(example_of(PYTEST * 40, "python")) <= EXAMPLE_CHARACTERS
    assert example_of("x = 1\n", "python") == ""


@pytest.mark.parametrize(
    ("filetype", "tests", "settings", "expected"),
    [
        ("python", [], [], "pytest"),
        ("python", [UNITTEST], ["[tool.pytest.ini_options]"], "unittest"),
        ("python", [PYTEST, UNITTEST], [], "pytest"),
        ("go", [GO], [], "the package testing"),
        ("javascript", ["import { test } from 'node:test';\n"], ['"jest"'], "node:test"),
        ("typescript", [JEST], ['{"devDependencies": {"jest": "29"}}'], "Jest"),
        ("lua", ["local lu = require('luaunit')\n"], [], "luaunit"),
        ("lua", ["describe('a', function()\nend)\n"], [], "busted"),
        ("c", ["int main(void) {}"], [], ""),
    ],
)
def test_the_framework(filetype: str, tests: list[str], settings: list[str], expected: str) -> None:
    assert framework_of(filetype, tests, settings) == expected
