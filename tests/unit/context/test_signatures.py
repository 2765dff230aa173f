from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Node

from vivek.context.signatures import definition_at, first_sentence, qualified_name, signature
from vivek.grammar import parse


def definition(text: str, name: str | None = None) -> Node:
    """The definition of a name (by default the first of all) in a text."""
    text = textwrap.dedent(text)
    for row, line in enumerate(text.split("\n")):
        for keyword in ("def ", "class "):
            start = line.find(keyword + (name or ""))
            if start >= 0:
                tree = parse(text, "python")
                assert tree is not None
                node = definition_at(tree.root_node, row, len(line[: start + len(keyword)].encode()))
                assert node is not None
                return node
    raise AssertionError(f"no definition of {name}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "def parse(text: str, *, strict: bool = False) -> Tree: ...",
            "def parse(text: str, *, strict: bool = False) -> Tree",
        ),
        (
            "async def f(a, /, b=1, *args: int, **kwargs): pass",
            "async def f(a, /, b=1, *args: int, **kwargs)",
        ),
        ("def f[T](x: T) -> T: return x", "def f[T](x: T) -> T"),
        (
            "def f(\n    a: int,  # the a\n    # nothing\n"
            "    b: dict[\n        str,\n        int,\n    ],\n): pass",
            "def f(a: int, b: dict[str, int])",
        ),
        (
            "def f(table={'a long key': 'and a long value to go with it'}, n: int = 1): pass",
            "def f(table=..., n: int = 1)",
        ),
        (
            "def f(x: int = some.very_long.expression.that(does_not).matter_at_all): pass",
            "def f(x: int = ...)",
        ),
        ("class Tree: pass", "class Tree"),
        ("class Tree(Base, metaclass=Meta): pass", "class Tree(Base, metaclass=Meta)"),
        (
            "class Tree():\n    def __init__(self, root: Node): pass",
            "class Tree: def __init__(self, root: Node)",
        ),
        (
            "class Tree(Base):\n    x = 1\n    @log\n    def __init__(self): pass",
            "class Tree(Base): def __init__(self)",
        ),
        (
            "class Point:\n    '''Doc.'''\n    x: int\n    y: int = 0\n    LIMIT = 3",
            "class Point: x: int; y: int = 0",
        ),
        ("def f(é: Größe = 'ü') -> Äpfel: pass", "def f(é: Größe = 'ü') -> Äpfel"),
    ],
)
def test_a_signature_is_one_line_as_in_code(text: str, expected: str) -> None:
    assert signature(definition(text)) == expected


def test_a_method_brings_its_class_along() -> None:
    text = "class A:\n    class B:\n        @classmethod\n        def make(cls, n: int) -> B: ...\n"
    node = definition(text, "make")
    assert signature(node) == "class B: @classmethod def make(cls, n: int) -> B"
    assert qualified_name(node) == "A.B.make"


def test_a_property_is_told_from_a_method() -> None:
    node = definition("class A:\n    @property\n    @log\n    def size(self) -> int: ...\n", "size")
    assert signature(node) == "class A: @property def size(self) -> int"


def test_a_function_within_a_method_has_no_class() -> None:
    node = definition("class A:\n    def f(self):\n        def g(): pass\n", "g")
    assert (signature(node), qualified_name(node)) == ("def g()", "g")


def test_the_last_of_overloaded_initialisers_counts() -> None:
    text = """\
        class A:
            @overload
            def __init__(self, a: int): ...
            def __init__(self, a: int | str): pass
        """
    assert signature(definition(text)) == "class A: def __init__(self, a: int | str)"


def test_many_fields_are_shortened() -> None:
    fields = "".join(f"    f{n}: int\n" for n in range(20))
    assert signature(definition(f"class A:\n{fields}")).endswith("f11: int; ...")


def test_a_signature_has_at_most_300_characters() -> None:
    parameters = ", ".join(f"parameter_{n}: int" for n in range(50))
    shown = signature(definition(f"def f({parameters}): pass"))
    assert len(shown) == 300
    assert shown.endswith(" ...")


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ('"""Parse the text."""', "Parse the text."),
        ('"""Parse the text. Then more."""', "Parse the text."),
        ('r"""\n    Parse the\n    text without end\n\n    More.\n    """', "Parse the text without end"),
        ("'Is it? Yes.'", "Is it?"),
        ('"""Uses v1.2 of e.g. it"""', "Uses v1.2 of e.g."),
        ('""""""', ""),
        ("return 1", ""),
        ("x = 'no docstring'", ""),
        ("# a comment\n    'Doc.'", "Doc."),
    ],
)
def test_the_first_sentence_of_the_docstring(docstring: str, expected: str) -> None:
    assert first_sentence(definition(f"def f():\n    {docstring}\n")) == expected


def test_a_sentence_has_at_most_160_characters() -> None:
    sentence = first_sentence(definition(f'def f():\n    """{"word " * 60}"""\n'))
    assert len(sentence) <= 160
    assert sentence.endswith(" ...")


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 6), (1, 4), (7, 0), (0, 99)])
def test_a_place_that_is_no_definitions_name_gives_none(row: int, column: int) -> None:
    tree = parse("def f(x):\n    f(x)\n", "python")
    assert tree is not None
    assert definition_at(tree.root_node, row, column) is None


@settings(deadline=None)
@given(st.text(alphabet="abc:=,*/()[]'\" \n#\ré@", max_size=40))
def test_any_code_gives_one_line(parameters: str) -> None:
    tree = parse(f"def f({parameters}) -> int:\n    '''Doc.'''\n", "python")
    assert tree is not None
    node = definition_at(tree.root_node, 0, 4)
    if node is not None:
        assert "\n" not in signature(node)
        assert "\n" not in first_sentence(node)
