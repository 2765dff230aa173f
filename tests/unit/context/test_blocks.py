from __future__ import annotations

import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivek.context.blocks import Block, block_at, blocks, enclosing, imports
from vivek.context.languages import LANGUAGES
from vivek.grammar import FILETYPES

PYTHON = textwrap.dedent(
    '''\
    """A module."""

    import os
    from typing import (
        Any,
    )

    LIMIT = 3  # a constant


    # a heading
    @cache
    def load(path: str) -> Any:
        def inner():
            return path

        return inner()
        # the last word


    class Tree(Base):
        """A tree."""

        depth: int = 0

        @property
        def size(self) -> int:
            return 1

        async def walk(self): yield 1


    print(load("x"))
    '''
)

SAMPLES: dict[str, tuple[str, list[tuple[str, str, int, int]], str]] = {
    "python": (
        PYTHON,
        [
            ("load", "function", 12, 18),
            ("inner", "function", 14, 15),
            ("Tree", "class", 21, 30),
            ("size", "method", 26, 28),
            ("walk", "method", 30, 30),
        ],
        "import os\nfrom typing import (\n    Any,\n)",
    ),
    "lua": (
        "local m = require('m')\nlocal x = 1 -- trailing\nlocal function a()\nend\n\n--- Doc.\n--- More.\n"
        "function M.b(self)\n  return 1\nend\n\nfunction M:c() end\nM.d = function()\nend\nlocal t = {\n"
        "  e = function()\n  end,\n}\n",
        [
            ("a", "function", 3, 4),
            ("b", "function", 6, 10),
            ("c", "method", 12, 12),
            ("d", "function", 13, 14),
            ("e", "function", 16, 17),
        ],
        "local m = require('m')",
    ),
    "javascript": (
        "import a from 'a'\nconst b = require('b')\nconst n = 1\n\n/** Doc. */\n"
        "export default async function c() {\n}\n"
        "\nexport class D extends E {\n  // doc\n  static f() {\n  }\n  g = () => 1\n  #h() {}\n}\n"
        "const i = async (x) => {\n}\nmodule.exports.j = function () {\n}\nexport default () => {\n}\n",
        [
            ("c", "function", 5, 7),
            ("D", "class", 9, 15),
            ("f", "method", 10, 12),
            ("g", "method", 13, 13),
            ("#h", "method", 14, 14),
            ("i", "function", 16, 17),
            ("j", "function", 18, 19),
            ("", "function", 20, 21),
        ],
        "import a from 'a'\nconst b = require('b')",
    ),
    "typescript": (
        "import type { A } from './a'\n\ninterface B {\n  c(): void\n}\ntype D = A | B\nenum E { F }\n"
        "abstract class G<T> {\n  @Dec()\n  h(x: T): void {\n  }\n}\n"
        "export const k = (x: number): number => x\n",
        [
            ("B", "class", 3, 5),
            ("D", "class", 6, 6),
            ("E", "class", 7, 7),
            ("G", "class", 8, 12),
            ("h", "method", 9, 11),
            ("k", "function", 13, 13),
        ],
        "import type { A } from './a'",
    ),
    "typescriptreact": (
        "import * as React from 'react'\n\nexport function App() {\n  useEffect(() => {\n    run()\n  })\n"
        "  return <p>hi</p>\n}\n",
        [("App", "function", 3, 8)],
        "import * as React from 'react'",
    ),
    "go": (
        'package main\n\nimport (\n\t"fmt"\n)\n\n// Doc.\nfunc F() {\n}\n\n'
        "func (t *Tree) Walk() int {\n\treturn 1\n}\n\n"
        "type Tree struct {\n\tx int\n}\n\ntype (\n\tA struct{}\n\tB interface{}\n)\n\nvar h = func() {\n}\n",
        [
            ("F", "function", 7, 9),
            ("Walk", "method", 11, 13),
            ("Tree", "class", 15, 17),
            ("A", "class", 20, 20),
            ("B", "class", 21, 21),
            ("h", "function", 24, 25),
        ],
        'package main\nimport (\n\t"fmt"\n)',
    ),
    "rust": (
        "use std::fmt;\nextern crate a;\n\n/// Doc.\n#[derive(Debug)]\npub struct S {\n}\n\n"
        "impl<T> fmt::Display for Tree<T> {\n    /// Doc.\n    fn fmt(&self) -> R {\n    }\n}\n\n"
        "trait Q {\n    fn a();\n    fn b() {}\n}\n\nmod tests {\n    #[test]\n    fn t() {\n    }\n}\n",
        [
            ("S", "class", 4, 7),
            ("Tree", "class", 9, 13),
            ("fmt", "method", 10, 12),
            ("Q", "class", 15, 18),
            ("b", "method", 17, 17),
            ("t", "function", 21, 23),
        ],
        "use std::fmt;\nextern crate a;",
    ),
    "java": (
        "package a;\nimport java.util.List;\n\n/** Doc. */\n@Ann\npublic class A {\n  int x;\n  /** Doc. */\n"
        "  @Override\n  public int f() {\n    return 1;\n  }\n  A() {}\n  enum E { X }\n"
        "  record R(int a) {}\n}\n",
        [
            ("A", "class", 4, 16),
            ("f", "method", 8, 12),
            ("A", "method", 13, 13),
            ("E", "class", 14, 14),
            ("R", "class", 15, 15),
        ],
        "package a;\nimport java.util.List;",
    ),
    "c": (
        "#ifndef A_H\n#include <a.h>\n#endif\nint x; // trailing\nstatic int *f(int a) {\n  return 0;\n}\n\n"
        "/* Doc. */\nstruct S {\n  int x;\n};\nstruct S s;\nint prototype(void);\ntypedef struct {\n"
        "  int y;\n} T;\n"
        "int (*g(int a))(int) {\n}\n",
        [
            ("f", "function", 5, 7),
            ("S", "class", 9, 12),
            ("T", "class", 15, 17),
            ("g", "function", 18, 19),
        ],
        "#include <a.h>",
    ),
    "cpp": (
        "#include <a>\nusing namespace std;\nnamespace n {\n// Doc.\ntemplate <class T>\n"
        "class A : public B {\n public:\n"
        "  A() : x(1) {}\n  int f() const {\n  }\n  ~A();\n};\n}\nint &n::A<int>::g() {\n}\nn::A::~A() {}\n"
        "auto l = [](int x) {\n  return x;\n};\nA operator+(A a, A b) {\n}\n",
        [
            ("A", "class", 4, 12),
            ("A", "method", 8, 8),
            ("f", "method", 9, 10),
            ("g", "method", 14, 15),
            ("~A", "method", 16, 16),
            ("l", "function", 17, 19),
            ("operator+", "function", 20, 21),
        ],
        "#include <a>\nusing namespace std;",
    ),
    "sh": (
        "#!/bin/sh\n# Doc.\nfoo() {\n  ls\n}\nsource a.sh\n. b.sh\n\nfunction bar-baz {\n  ls\n}\n",
        [("foo", "function", 2, 5), ("bar-baz", "function", 9, 11)],
        "source a.sh\n. b.sh",
    ),
}


@pytest.mark.parametrize("filetype", SAMPLES)
def test_definitions_are_found_with_their_kind_and_lines(filetype: str) -> None:
    text, expected, _ = SAMPLES[filetype]
    found = [(block.name, block.kind, block.first, block.last) for block in blocks(text, filetype)]
    assert found == expected


@pytest.mark.parametrize("filetype", SAMPLES)
def test_import_lines_are_found(filetype: str) -> None:
    text, _, expected = SAMPLES[filetype]
    assert imports(text, filetype) == expected


def test_every_grammar_has_its_tables_and_a_sample() -> None:
    assert set(FILETYPES.values()) == set(LANGUAGES)
    assert {FILETYPES[filetype] for filetype in SAMPLES} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (12, "load"),
        (13, "load"),
        (15, "inner"),
        (16, "load"),
        (18, "load"),
        (21, "Tree"),
        (24, "Tree"),
        (27, "size"),
    ],
)
def test_the_block_at_a_line_is_the_innermost_definition(line: int, name: str) -> None:
    block = block_at(PYTHON, "python", line)
    assert block is not None
    assert block.name == name


@pytest.mark.parametrize("line", [1, 3, 8, 9, 19, 33, 0, -1, 500])
def test_a_line_outside_of_definitions_has_no_block(line: int) -> None:
    assert block_at(PYTHON, "python", line) is None


def test_the_enclosing_definition_is_larger_than_the_lines() -> None:
    outer = enclosing(PYTHON, "python", 14, 15)
    assert outer is not None
    assert outer.name == "load"
    assert enclosing(PYTHON, "python", 12, 18) is None
    assert enclosing(PYTHON, "python", 17, 24) is None


def test_part_of_a_function_is_enclosed_by_it() -> None:
    outer = enclosing(PYTHON, "python", 27, 28)
    assert outer is not None
    assert (outer.name, outer.kind) == ("size", "method")


def test_imports_in_conditions_are_shown_without_their_indentation() -> None:
    text = "try:\n    import a\nexcept ImportError:\n    a = None\n"
    text += "if TYPE_CHECKING:\n    from b import (\n        c,\n    )\n"
    assert imports(text, "python") == "import a\nfrom b import (\n    c,\n)"


def test_an_import_inside_a_function_is_not_the_files() -> None:
    assert imports("def f():\n    import a\n", "python") == ""


def test_a_test_is_a_block_though_it_has_no_name_of_its_own() -> None:
    text = (
        "describe('sum', () => {\n  it('adds', () => {\n    xs.forEach(x => {\n      y()\n    })\n  })\n})\n"
    )
    block = block_at(text, "javascript", 4)
    assert block == Block("it adds", "function", 2, 6)
    lua = "describe('sum', function()\n  it('adds', function()\n    x()\n  end)\nend)\n"
    assert block_at(lua, "lua", 3) == Block("it adds", "function", 2, 4)


def test_a_callback_within_a_function_is_part_of_it() -> None:
    text = "function f() {\n  xs.forEach(x => {\n    y()\n  })\n}\n"
    assert block_at(text, "javascript", 3) == Block("f", "function", 1, 5)


def test_a_comment_apart_or_behind_code_does_not_belong_to_the_block() -> None:
    text = "// header\n\nint x; // x\nvoid f() {\n}\n"
    assert block_at(text, "c", 4) == Block("f", "function", 4, 5)


BROKEN_PYTHON = textwrap.dedent(
    """\
    def a(:
        x = 1
        return x

    @dec
    def b(
        x,
    ):
        y = (1
        return y

    class C:
        def d(self):
            if x
                y
            return 3

        def e(self): return 1

    z = 1
    """
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (2, Block("a", "function", 1, 3)),
        (9, Block("b", "function", 5, 10)),
        (15, Block("d", "method", 13, 16)),
        (18, Block("e", "method", 18, 18)),
    ],
)
def test_python_that_does_not_parse_is_read_by_its_indentation(line: int, expected: Block) -> None:
    assert block_at(BROKEN_PYTHON, "python", line) == expected


@pytest.mark.parametrize(
    ("filetype", "text", "line", "expected"),
    [
        ("javascript", "function a( {\n  x\n}\n\nconst b = () => {\n  y(\n}\n", 2, ("a", 1, 3)),
        ("javascript", "function a( {\n  x\n}\n\nconst b = () => {\n  y(\n}\n", 6, ("b", 5, 7)),
        ("go", "func a( {\n\tx\n}\n\nfunc (t *T) b() {\n\tif (x {\n}\n", 6, ("b", 5, 7)),
        ("rust", "fn a( {\n    x\n}\n\npub fn b() {\n    y(;\n}\n", 6, ("b", 5, 7)),
        ("java", "class A {\n  int f( {\n    x;\n  }\n}\n", 3, ("f", 2, 4)),
        ("c", "int f(int a\n{\n  x;\n}\n", 3, ("f", 1, 4)),
        ("cpp", "int f(int a\n{\n  x;\n}\n", 3, ("f", 1, 4)),
        ("lua", "local function a(\n  x()\nend\n\nM.b = function()\n  y(\nend\n", 6, ("b", 5, 7)),
        ("sh", "a() {\n  if x; then\n}\n\nb() {\n  (\n}\n", 2, ("a", 1, 3)),
    ],
)
def test_other_languages_too(filetype: str, text: str, line: int, expected: tuple[str, int, int]) -> None:
    block = block_at(text, filetype, line)
    assert block is not None
    assert (block.name, block.first, block.last) == expected


def test_a_definition_named_in_a_string_is_none_even_in_a_broken_file() -> None:
    text = 'def a():\n    """\n    def example():\n        pass\n    """\n\n\ndef b(:\n    pass\n'
    assert [block.name for block in blocks(text, "python")] == ["a", "b"]


PROSE = "# Title\n\nFirst line,\nsecond line.\n\n    indented\n\nfoo {\n  a\n\n  b\n}\n\nlast\n"


def test_an_unknown_filetype_is_read_by_its_blank_lines() -> None:
    assert [(block.kind, block.first, block.last) for block in blocks(PROSE, "")] == [
        ("range", 1, 1),
        ("range", 3, 6),
        ("range", 8, 12),
        ("range", 14, 14),
    ]
    assert block_at(PROSE, "markdown", 4) == Block("", "range", 3, 6)
    assert imports(PROSE, "") == ""


def test_indented_text_alone_is_one_block() -> None:
    assert blocks("\n  a\n\n  b\n", "") == [Block("", "range", 2, 4)]


@pytest.mark.parametrize("text", ["", "\n", "\n\n  \n"])
@pytest.mark.parametrize("filetype", ["", "python", "c"])
def test_empty_text_has_no_blocks(text: str, filetype: str) -> None:
    assert blocks(text, filetype) == []
    assert block_at(text, filetype, 1) is None


def test_bytes_that_are_no_unicode_do_not_shift_lines() -> None:
    text = "# \udcff\udc80 \0 \ud800 \r\U0001f600\ndef f():\r\n    return '\udcff'\r\n"
    assert blocks(text, "python") == [Block("f", "function", 2, 3)]


def test_deeply_nested_code_does_not_exhaust_the_stack() -> None:
    text = "x = " + "(" * 5000 + ")" * 5000 + "\n\n\ndef f():\n    pass\n"
    assert block_at(text, "python", 5) == Block("f", "function", 4, 5)


def test_a_file_of_20000_lines_takes_less_than_a_second_and_a_half() -> None:
    text = "\n".join(f"def f{n}(a, b):\n    if a:\n        return b\n    return {n}\n" for n in range(4000))
    began = time.process_time()
    assert block_at(text, "python", 20_000 - 2) == Block("f3999", "function", 19_996, 19_999)
    assert time.process_time() - began < 1.5


CODE = st.lists(
    st.sampled_from(
        [line for text, _, _ in SAMPLES.values() for line in text.split("\n")]
        + ["", "    ", "\t", "}", "{", "(", '"""', "\r", "\x0c", "\udcff", "\0", "é\u0301\U0001f600"]
    ),
    max_size=25,
).map("\n".join)
TYPES = st.sampled_from([*SAMPLES, "", "markdown"])


@settings(deadline=None)
@given(text=CODE | st.text(max_size=60), filetype=TYPES)
def test_blocks_are_lines_of_the_text_in_order(text: str, filetype: str) -> None:
    found = blocks(text, filetype)
    assert all(1 <= block.first <= block.last <= text.count("\n") + 1 for block in found)
    assert found == sorted(found, key=lambda block: (block.first, -block.last))
    lines = text.split("\n")
    assert all(lines[block.first - 1].strip() for block in found)


@settings(deadline=None)
@given(text=CODE, filetype=TYPES, line=st.integers(1, 30))
def test_a_block_at_a_line_holds_it_and_none_inside_it_does(text: str, filetype: str, line: int) -> None:
    block = block_at(text, filetype, line)
    holding = [one for one in blocks(text, filetype) if one.holds(line, line)]
    if block is None:
        assert holding == []
    else:
        assert block in holding
        assert all(one.last - one.first >= block.last - block.first for one in holding)


@settings(deadline=None)
@given(text=CODE, filetype=TYPES, first=st.integers(1, 25), length=st.integers(0, 5))
def test_what_encloses_lines_is_larger(text: str, filetype: str, first: int, length: int) -> None:
    outer = enclosing(text, filetype, first, first + length)
    assert outer is None or (outer.holds(first, first + length) and outer.last - outer.first > length)


@settings(deadline=None)
@given(text=CODE, filetype=TYPES)
def test_imports_are_lines_of_the_text(text: str, filetype: str) -> None:
    stripped = {line.strip() for line in text.split("\n")}
    assert all(line.strip() in stripped for line in imports(text, filetype).split("\n") if line.strip())


@settings(deadline=None)
@given(cut=st.integers(0, len(PYTHON)))
def test_text_cut_off_while_typing_keeps_the_definitions_above(cut: int) -> None:
    text = PYTHON[:cut]
    names = [block.name for block in blocks(text, "python")]
    whole = [name for name, _, _, last in SAMPLES["python"][1] if last < text.count("\n") - 1]
    assert [name for name in names if name in whole] == whole
