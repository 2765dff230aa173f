"""Filetypes and their grammars."""

from __future__ import annotations

import importlib
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek import grammar
from vivek.errors import InstallError

SAMPLES = {
    "bash": "f() {\n  echo 1\n}\n",
    "c": "int f(void) { return 1; }\n",
    "cpp": "class A { int f() { return 1; } };\n",
    "cuda": "int f() { return 1; }\n",
    "go": "package a\n\nfunc f() int { return 1 }\n",
    "java": "class A { int f() { return 1; } }\n",
    "javascript": "const f = () => 1;\n",
    "javascriptreact": "const f = () => <p>{1}</p>;\n",
    "lua": "local function f() return 1 end\n",
    "python": "def f():\n    return 1\n",
    "rust": "fn f() -> i32 { 1 }\n",
    "sh": "f() {\n  echo 1\n}\n",
    "typescript": "const f = (x: number): number => x;\n",
    "typescriptreact": "const f = (x: number) => <p>{x}</p>;\n",
}


def test_every_filetype_with_a_grammar_has_a_sample_here() -> None:
    assert set(SAMPLES) == set(grammar.FILETYPES)


@pytest.mark.parametrize("filetype", sorted(SAMPLES))
def test_each_grammar_parses_its_language(filetype: str) -> None:
    tree = grammar.parse(SAMPLES[filetype], filetype)
    assert tree is not None
    assert not tree.root_node.has_error


@pytest.mark.parametrize("filetype", sorted(SAMPLES))
def test_each_grammar_sees_what_is_wrong(filetype: str) -> None:
    tree = grammar.parse(SAMPLES[filetype].replace("1", "((((").replace(": number", ": ]]"), filetype)
    assert tree is not None
    assert filetype in ("bash", "sh") or tree.root_node.has_error


def test_an_unknown_filetype_has_no_parser() -> None:
    assert grammar.parser("cobol") is None
    assert grammar.parse("x", "cobol") is None


def test_parsers_are_not_shared() -> None:
    assert grammar.parser("python") is not grammar.parser("python")


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_every_text_can_be_parsed_and_keeps_its_lines(text: str) -> None:
    tree = grammar.parse(text, "python")
    assert tree is not None
    assert tree.root_node.end_point[0] <= text.count("\n")


def test_a_lone_surrogate_is_one_byte_wide() -> None:
    tree = grammar.parse('x = "\udc80"; y = 1\n', "python")
    assert tree is not None
    assert not tree.root_node.has_error
    assert tree.root_node.named_children[1].start_point[1] == len('x = "?"; ')


def test_a_missing_grammar_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> types.ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}")

    grammar._language.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InstallError) as caught:
        grammar.parser("lua")
    assert "tree_sitter_lua" in caught.value.message
    assert ":VivekInstall" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "filetype"),
    [
        ("a/b.py", "python"),
        ("stub.pyi", "python"),
        ("A.PY", "python"),
        ("x.tsx", "typescriptreact"),
        ("x.d.ts", "typescript"),
        ("init.lua", "lua"),
        ("m.rs", "rust"),
        ("run.sh", "sh"),
        ("a.h", "cpp"),
        ("Makefile", "make"),
        ("/home/me/.bashrc", "sh"),
        ("README.md", "markdown"),
        ("LICENSE", ""),
        ("py", ""),
        ("a.unknown", ""),
        (Path("a.go"), "go"),
    ],
)
def test_a_files_name_tells_its_filetype(path: Path | str, filetype: str) -> None:
    assert grammar.filetype_of(path) == filetype


def test_every_extension_leads_to_a_filetype_and_every_grammar_has_an_extension() -> None:
    assert all(grammar.EXTENSIONS.values())
    assert set(grammar.FILETYPES) <= set(grammar.EXTENSIONS.values())


def test_a_long_text_that_is_no_code_is_given_up_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "PARSE_SECONDS", 0.05)
    junk = "}{ end ( [[ \n" * 20_000  # takes tree-sitter half a minute
    assert grammar.parse(junk, "lua") is None
    assert grammar.parse("x = 1\n", "lua") is not None


@given(st.text())
def test_a_text_that_is_read_in_slices_makes_the_tree_of_the_whole(text: str) -> None:
    long = (text + "\nx = (1, 'é')\n") * 100
    made = grammar.parser("python")
    tree = grammar.parse(long, "python")
    assert made is not None
    assert tree is not None
    assert str(tree.root_node) == str(
        made.parse(long.replace("\0", " ").encode("utf-8", "replace")).root_node
    )
