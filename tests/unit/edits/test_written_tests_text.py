"""Tests in other languages than Python: the right way to what is tested, no copy of it, names for names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.renaming import renamed
from vivek.edits.written_tests import bound_names, tidied_lines

ESM = "import { area } from '../src/shapes.js';"
CJS = "const { area } = require('../src/shapes');"
TEST = "test('area', () => {\n  expect(area(1)).toBe(3);\n});\n"


@pytest.mark.parametrize(
    "head",
    [
        "",
        f"{ESM}\n\n",
        "import { area } from './your-module';\n\n",
        "const { area } = require('./area');\n\n",
        "import area from 'area';\n\n",
        "function area(r) {\n  return 3 * r * r;\n}\n\n",
    ],
)
def test_javascript_gets_at_what_is_tested_from_where_it_is(head: str) -> None:
    assert tidied_lines(head + TEST, ["area"], ESM, "javascript") == f"{ESM}\n\n{TEST}"


def test_other_imports_stay_above() -> None:
    text = f"import {{ expect, test }} from 'vitest';\nimport {{ area }} from './x';\n\n{TEST}"
    tidy = tidied_lines(text, ["area"], ESM, "typescript")
    assert tidy == f"import {{ expect, test }} from 'vitest';\n{ESM}\n\n{TEST}"


def test_go_is_of_the_package_that_it_tests() -> None:
    body = 'import "testing"\n\nfunc TestArea(t *testing.T) {\n\tt.Fatal(Area(1))\n}\n'
    for head in ("", "package main\n\n", "package shapes\n\n"):
        assert tidied_lines(head + body, ["Area"], "package shapes", "go") == f"package shapes\n\n{body}"


def test_lua_requires_the_module_once() -> None:
    statement = 'local shapes = require("shop.shapes")'
    body = "describe('area', function()\n  assert.equal(3, shapes.area(1))\nend)\n"
    for head in ("", "local shapes = require('shapes')\n\n", f"{statement}\n\n"):
        assert tidied_lines(head + body, ["area"], statement, "lua") == f"{statement}\n\n{body}"


def test_without_a_known_way_only_copies_go() -> None:
    text = "#include <assert.h>\n\nint area(int r) {\n    return 3 * r * r;\n}\n\nvoid test_area(void) {\n    assert(area(1) == 3);\n}\n"
    tidy = tidied_lines(text, ["area"], "", "c")
    assert "int area(int r)" not in tidy
    assert tidy.startswith("#include <assert.h>\n\nvoid test_area")


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import { area, type Side, x as y } from './a'", ["area", "Side", "y"]),
        ("import area, { side } from './a'", ["area", "side"]),
        ("const { area: room } = require('a')", ["room"]),
        ("local a = require 'a'", ["a"]),
        ("import 'x'", []),
        ('import "testing"', []),
    ],
)
def test_the_names_that_an_import_binds(statement: str, names: list[str]) -> None:
    assert bound_names(statement) == names


@given(
    st.text(),
    st.text("ab_", min_size=1),
    st.text("cd_", min_size=1),
    st.sampled_from(["python", "lua", "go"]),
)
def test_renaming_there_and_back_changes_nothing(text: str, old: str, new: str, filetype: str) -> None:
    if new not in text:
        assert renamed(renamed(text, old, new, filetype), new, old, filetype) == text
