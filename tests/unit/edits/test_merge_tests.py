"""New tests into a file of tests: nothing lost, nothing twice, imports once, in every language alike."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivek.edits.merge_tests import merge

BASE = dedent('''\
    """Shapes."""

    import pytest

    from shop.shapes import area

    SIDES = [1, 2]


    def test_one():
        assert area(1) == 3
    ''')

_NAME = st.sampled_from(["test_a", "test_b", "helper", "SIDES", "TestIt"])
_NUMBER = st.integers(0, 3)
_FUNCTION = st.builds(
    "def {}():\n    assert area([]) == {}\n".format, st.sampled_from(["test_a", "test_b", "helper"]), _NUMBER
)
_TEXT = st.builds('def test_text():\n    assert area("{}") == """\n  a\n{}"""\n'.format, _NAME, _NUMBER)
_VALUE = st.builds("SIDES = {}\n".format, _NUMBER)
_METHOD = st.builds(
    "    def {}(self):\n        assert area(SIDES) == {}\n".format,
    st.sampled_from(["test_a", "test_b", "setUp"]),
    _NUMBER,
)
_CLASS = st.builds(
    "class {}:\n{}".format,
    st.sampled_from(["TestIt", "Fake"]),
    st.lists(_METHOD, min_size=1, max_size=3).map("\n".join),
)
_IMPORT = st.sampled_from(
    [
        "import pytest\n",
        "from shop.shapes import area\n",
        "from other import area\n",
        "from shop.shapes import side\n",
        "import os.path\n",
    ]
)
_MAIN = st.just('if __name__ == "__main__":\n    pytest.main()\n')
_FILE = st.lists(_IMPORT | _FUNCTION | _CLASS | _VALUE | _TEXT | st.just("# why\n"), max_size=6).map(
    "\n\n".join
)
_BASE = st.builds(lambda file, end: f"{file}\n\n{end}", _FILE, _MAIN | st.just(""))


def _functions(text: str) -> list[str]:
    """Every function of a text, its name left aside."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            node.name = ""
            found.append(ast.dump(node))
    return found


def _is_kept(line: str, other: str) -> bool:
    """An import may have got one name more."""
    words, others = (set(text.replace(",", "").split()) for text in (line, other))
    return line == other or (line.startswith("from ") and words <= others)


@settings(max_examples=50)
@given(_BASE, _FILE)
def test_a_file_keeps_every_line_and_takes_what_it_lacks_once(base: str, tests: str) -> None:
    merged = merge(base, tests, "python")
    ast.parse(merged)
    kept = iter(merged.split("\n"))
    for line in base.split("\n"):
        assert not line.strip() or any(_is_kept(line, one) for one in kept), line
    assert merge(merged, tests, "python") == merged


@settings(max_examples=50)
@given(_BASE, _FILE)
def test_no_name_of_the_file_is_bound_twice_by_what_is_put_in(base: str, tests: str) -> None:
    def bound(text: str) -> list[str]:
        return [
            node.name for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        ]

    before, fresh = bound(base), bound(merge(base, tests, "python"))
    for name in before:
        fresh.remove(name)
    assert not set(fresh) & set(before)


@given(st.lists(_FUNCTION | _TEXT, max_size=4).map("\n\n".join))
def test_no_test_is_lost(tests: str) -> None:
    assert set(_functions(tests)) <= set(_functions(merge(BASE, tests, "python")))


@given(
    st.text(),
    st.text(),
    st.sampled_from(["python", "go", "javascript", "lua", "rust", "java", "c", "ruby", ""]),
)
def test_whatever_the_texts_are_no_line_of_the_file_is_lost(base: str, tests: str, filetype: str) -> None:
    merged = merge(base, tests, filetype)
    kept = iter(merged.split("\n"))
    assert all(line in kept for line in base.split("\n") if line.strip())


def test_tests_go_to_the_end_with_their_imports_on_top() -> None:
    tests = "import pytest\nfrom shop.shapes import area, side\n\ndef test_two():\n    assert side(2) == 4\n"
    assert merge(BASE, tests, "python") == BASE.replace("import area", "import area, side") + (
        "\n\ndef test_two():\n    assert side(2) == 4\n"
    )


def test_the_same_test_by_another_name_is_not_repeated() -> None:
    assert merge(BASE, "def test_area_of_one():\n    assert area(1) == 3\n", "python") == BASE


def test_another_test_of_the_same_name_gets_a_name_of_its_own() -> None:
    merged = merge(BASE, "def test_one():\n    assert area(2) == 12\n", "python")
    assert merged == BASE + "\n\ndef test_one_2():\n    assert area(2) == 12\n"


def test_what_runs_the_tests_stays_last() -> None:
    end = '\n\nif __name__ == "__main__":\n    pytest.main()\n'
    tests = "def test_two():\n    assert area(2) == 12\n" + end
    assert merge(BASE + end, tests, "python") == f"{BASE}\n\ndef test_two():\n    assert area(2) == 12\n{end}"


def test_methods_join_the_class_that_is_there() -> None:
    base = "import unittest\n\n\nclass TestArea(unittest.TestCase):\n    def test_one(self):\n        pass\n\n\nX = 1\n"
    tests = "class TestArea(unittest.TestCase):\n  def test_two(self):\n    self.fail()\n"
    assert merge(base, tests, "python") == base.replace(
        "pass\n", "pass\n\n    def test_two(self):\n      self.fail()\n"
    )


def test_a_class_that_is_set_up_in_another_way_stays_apart() -> None:
    base = "class TestArea:\n    def setUp(self):\n        self.x = 1\n"
    tests = "class TestArea:\n    def setUp(self):\n        self.x = 2\n\n    def test_x(self):\n        assert self.x == 2\n"
    assert merge(base, tests, "python") == f"{base}\n\n{tests.replace('TestArea', 'TestArea2')}"


def test_a_name_that_the_file_has_for_something_else_is_imported_by_another() -> None:
    tests = "from other.shapes import area\n\n\ndef test_two():\n    assert area(2) == 5\n"
    merged = merge(BASE, tests, "python")
    assert "from other.shapes import area as area_of_shapes\n" in merged
    assert merged.endswith("def test_two():\n    assert area_of_shapes(2) == 5\n")
    assert merge(merged, tests, "python") == merged


def test_a_helper_whose_name_is_taken_is_renamed_where_it_is_used() -> None:
    tests = "SIDES = [3]\n\n\ndef test_sides():\n    assert area(SIDES) == 'SIDES'\n"
    merged = merge(BASE, tests, "python")
    assert merged.endswith("SIDES_2 = [3]\n\n\ndef test_sides():\n    assert area(SIDES_2) == 'SIDES'\n")
    assert merge(merged, tests, "python") == merged


def test_a_new_file_is_the_tests_as_they_are() -> None:
    assert merge("", "\n\ndef test_a():\n    pass", "python") == "def test_a():\n    pass\n"
    assert merge("\n", "package a\n", "go") == "package a\n"


def test_a_new_file_sets_definitions_apart() -> None:
    tests = "import pytest\n# Of shapes.\ndef test_a():\n    pass\ndef test_b():\n    pass\n\n\n\nX = 1\n"
    assert merge("", tests, "python") == (
        "import pytest\n\n\n# Of shapes.\ndef test_a():\n    pass\n\n\ndef test_b():\n    pass\n\n\n\nX = 1\n"
    )


GO = 'package shapes\n\nimport "testing"\n\nfunc TestArea(t *testing.T) {\n\tif Area(1) != 3 {\n\t\tt.Fatal()\n\t}\n}\n'
JEST = "import { area } from './shapes.js';\n\ndescribe('area', () => {\n  it('is 3', () => {\n    expect(area(1)).toBe(3);\n  });\n});\n"
LUA = "local shapes = require('shapes')\n\ndescribe('area', function()\n  it('is 3', function()\n    assert.equal(3, shapes.area(1))\n  end)\nend)\n"
RUST = "pub fn area() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn one() {\n        assert_eq!(area(), ());\n    }\n}\n"
JAVA = "package a;\n\nimport org.junit.Test;\n\npublic class ShapesTest {\n    @Test\n    public void one() {\n        assertEquals(3, area(1));\n    }\n}\n"
C = '#include <assert.h>\n#include "shapes.h"\n\nvoid test_one(void) {\n    assert(area(1) == 3);\n}\n\nint main(void) {\n    test_one();\n    return 0;\n}\n'


@pytest.mark.parametrize(
    ("filetype", "base", "change", "expected"),
    [
        ("go", GO, ("Area(1) != 3", "Area(2) != 12"), "func TestArea2(t *testing.T) {\n\tif Area(2) != 12 {"),
        ("javascript", JEST, ("'is 3'", "'is not 4'"), "  });\n\n  it('is not 4', () => {\n    expect("),
        ("lua", LUA, ("'is 3'", "'is not 4'"), "  end)\n\n  it('is not 4', function()\n    assert"),
        ("rust", RUST, ("one", "two"), None),
        (
            "rust",
            RUST.replace("pub fn area() {}\n\n", ""),
            ("area()", "side()"),
            "    fn one_2() {\n        assert_eq!(side()",
        ),
        ("java", JAVA, ("area(1)", "area(2)"), "    public void one2() {\n        assertEquals(3, area(2)"),
    ],
)
def test_in_other_languages_too(
    filetype: str, base: str, change: tuple[str, str], expected: str | None
) -> None:
    tests = base.replace(*change)
    merged = merge(base, tests, filetype)
    assert (expected in merged) if expected else merged == base
    assert merge(merged, tests, filetype) == merged
    assert merge(base, base, filetype) == base


def test_go_s_imports_are_merged_and_its_package_is_said_once() -> None:
    tests = 'package shapes\n\nimport (\n\t"errors"\n\t"testing"\n)\n\nfunc TestSide(t *testing.T) {\n\tt.Fatal(errors.New("x"))\n}\n'
    merged = merge(GO, tests, "go")
    assert merged.count("package shapes") == 1
    assert merged.count('"testing"') == 1
    assert 'import "errors"\n' in merged


def test_javascript_imports_no_name_twice() -> None:
    tests = "import { area, side } from \"./shapes.js\";\nimport { vi } from 'vitest';\n\ntest('s', () => {\n  expect(side(1)).toBe(2);\n});\n"
    merged = merge(JEST, tests, "javascript")
    assert "import { area, side } from './shapes.js';\nimport { vi } from 'vitest';\n" in merged
    assert merged.count("area }") + merged.count("area,") == 1


def test_a_call_that_is_handed_a_test_is_no_name() -> None:
    base = "test('a', function () {\n  expect(1).toBe(1);\n});\n"
    tests = "test('b', function () {\n  expect(2).toBe(2);\n});\n"
    assert merge(base, tests, "javascript") == f"{base}\n{tests}"
