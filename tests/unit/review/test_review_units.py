"""Into which pieces a file is cut, and which comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivek.context.complexity import branches
from vivek.review.units import CHUNK_LINES, LARGEST_CLASS, ordered, units_of

_LINES = st.sampled_from(
    [
        "def f(x):",
        "    return x",
        "class A:",
        "    def m(self):",
        "        pass",
        "",
        "x = 1",
        "# why",
        "import os",
    ]
)


def names(text: str, filetype: str = "python") -> list[str]:
    return [unit.name for unit in units_of(text, filetype)]


def test_functions_and_small_classes_are_pieces() -> None:
    assert names("def a():\n    pass\n\n\nclass B:\n    def c(self):\n        pass\n") == ["a", "B"]


def test_a_large_class_is_cut_into_its_methods() -> None:
    methods = "".join(
        f"    def m{number}(self):\n        return {number}\n\n" for number in range(LARGEST_CLASS)
    )
    found = units_of(f"class Big:\n    limit = 1\n\n{methods}", "python")
    assert [unit.name for unit in found] == [f"m{number}" for number in range(LARGEST_CLASS)]


def test_lines_between_definitions_count_where_they_do_something() -> None:
    assert names("import os\nimport sys\n\n\ndef a():\n    pass\n") == ["a"]
    found = units_of("import os\n\n\ndef a():\n    pass\n\n\nx = a()\nif x:\n    print(x)\n", "python")
    assert [(unit.name, unit.first, unit.last) for unit in found] == [("a", 4, 5), ("", 8, 10)]


def test_without_a_grammar_neighbouring_paragraphs_are_gathered() -> None:
    found = units_of("one\n\ntwo\n\n\nthree\n", "zzz")
    assert [(unit.first, unit.last) for unit in found] == [(1, 6)]
    found = units_of("word\n" * 1000, "zzz")
    assert max(unit.last - unit.first + 1 for unit in found) == CHUNK_LINES
    assert sum(unit.last - unit.first + 1 for unit in found) == 1000


@given(st.lists(_LINES, max_size=40), st.sampled_from(["python", "zzz", "lua"]))
def test_no_line_is_in_two_pieces_and_all_are_in_the_file(lines: list[str], filetype: str) -> None:
    found = units_of("\n".join(lines), filetype)
    held = [line for unit in found for line in range(unit.first, unit.last + 1)]
    assert len(held) == len(set(held))
    assert all(1 <= line <= len(lines) for line in held)
    assert held == sorted(held)


def test_changed_comes_before_complex_and_that_before_the_rest() -> None:
    text = "def a():\n    return 1\n\n\ndef b(x):\n    if x and x > 1:\n        return 2\n\n\ndef c():\n    return 3\n"
    units = units_of(text, "python")
    assert [unit.name for unit in ordered(units, text, "python")] == ["b", "a", "c"]
    assert [unit.name for unit in ordered(units, text, "python", {11})] == ["c", "b", "a"]


def test_branches_are_counted_in_every_language() -> None:
    samples = {
        "python": "if a and b:\n    x = 1 if c else 2\nfor y in z:\n    pass\n",
        "lua": "if a and b then\n  x = 1\nend\nfor i = 1, 2 do\nend\n",
        "javascript": "if (a && b) {\n  x = c ? 1 : 2\n}\nfor (const y of z) {}\n",
        "go": "package p\nfunc f() {\n\tif a && b {\n\t}\n\tfor {\n\t}\n}\n",
        "c": "int f(void) {\n  if (a && b) { }\n  for (;;) { }\n}\n",
        "rust": "fn f() {\n  if a && b { }\n  for x in y { }\n}\n",
        "java": "class A { void f() {\n  if (a && b) { }\n  for (;;) { }\n} }\n",
        "typescript": "if (a && b) {\n}\nfor (;;) {}\n",
        "cpp": "int f() {\n  if (a && b) { }\n  for (auto x : y) { }\n}\n",
        "sh": "if a && b; then\n  x\nfi\nfor y in z; do\n  x\ndone\n",
    }
    for filetype, text in samples.items():
        assert sum(branches(text, filetype)) >= 3, filetype
    assert branches("if x\n", "zzz") == [0, 0]
