"""The pairs that come with Vivek: twins that differ in one small place, whose examples fail just where they say."""

from __future__ import annotations

import ast
import difflib
import doctest
import json
from collections import Counter
from importlib import resources

import pytest

from vivek.checks.syntax import broken_lines
from vivek.context.blocks import blocks

FOLDER = resources.files("vivek.bench") / "pairs"
FIELDS = {"id", "language", "label", "entry", "before"}
MOST_CHANGED = 5


def own_rows() -> list[dict[str, str]]:
    files = sorted(
        (item for item in FOLDER.iterdir() if item.name.endswith(".jsonl")), key=lambda item: item.name
    )
    return [json.loads(line) for item in files for line in item.read_text("utf-8").splitlines()]


ROWS = own_rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
each_python_row = pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["language"] == "python"],
    ids=[row["id"] for row in ROWS if row["language"] == "python"],
)


def pair_of(row: dict[str, str]) -> str:
    return row["id"].rpartition("-")[0]


def examples_in(text: str) -> list[doctest.Example]:
    """The examples of all docstrings of a text."""
    parser = doctest.DocTestParser()
    kinds = (ast.FunctionDef, ast.ClassDef)
    docstrings = [
        ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)
    ]
    return [example for docstring in docstrings for example in parser.get_examples(docstring)]


def failures(text: str) -> int:
    """How many of a text's examples, which are our own code, fail."""
    scope: dict[str, object] = {"__name__": __name__}
    exec(compile(text, "subject.py", "exec"), scope)
    test = doctest.DocTest(examples_in(text), scope, "subject", None, None, None)
    return doctest.DocTestRunner().run(test, out=lambda _text: None).failed


def test_there_are_pairs_in_five_languages_and_most_are_python() -> None:
    counts = Counter(row["language"] for row in ROWS if row["label"] == "bug")
    assert set(counts) == {"python", "javascript", "lua", "go", "c"}
    assert counts["python"] >= 60
    assert min(counts.values()) >= 10
    assert len({row["id"] for row in ROWS}) == len(ROWS)


def test_each_pair_is_a_right_one_and_a_twin_with_one_small_bug() -> None:
    pairs: dict[str, dict[str, str]] = {}
    for row in ROWS:
        pairs.setdefault(pair_of(row), {})[row["label"]] = row["before"]
    assert all(set(pair) == {"ok", "bug"} for pair in pairs.values())
    for pair in pairs.values():
        right, wrong = pair["ok"].splitlines(), pair["bug"].splitlines()
        codes = difflib.SequenceMatcher(None, right, wrong, autojunk=False).get_opcodes()
        changed = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in codes if tag != "equal")
        assert 1 <= changed <= MOST_CHANGED


@each_row
def test_it_parses_and_has_its_definition(row: dict[str, str]) -> None:
    assert set(row) >= FIELDS
    assert row["id"].endswith(f"-{row['label']}")
    assert not broken_lines(row["before"], row["language"])
    assert row["entry"] in {block.name.rpartition(".")[2] for block in blocks(row["before"], row["language"])}


@each_python_row
def test_its_examples_fail_exactly_where_it_says_so(row: dict[str, str]) -> None:
    assert bool(examples_in(row["before"])) == ("examples" in row)
    assert (failures(row["before"]) > 0) == (row.get("examples") == "fail")


def test_only_bugs_fail_their_examples_and_some_bugs_pass_them() -> None:
    told = Counter((row["label"], row["examples"]) for row in ROWS if "examples" in row)
    assert told["ok", "fail"] == 0
    assert told["bug", "fail"] >= 40
    assert told["bug", "pass"] >= 12
