"""The tasks that come with Vivek: each reference passes, each `before` fails, and they are what they say they are."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from vivek.bench.toolchains import Missing, Verdict, check, toolchain
from vivek.context.blocks import blocks
from vivek.grammar import parse
from vivek.verify import sandbox
from vivek.verify.examples import Example, examples_of

FOLDER = resources.files("vivek.bench") / "tasks"
FIELDS = {"id", "language", "kind", "instruction", "before", "after", "tests", "entry"}
MOST_CHANGED = {"fix": 12, "change": 20, "add": 32}


def own_tasks() -> list[dict[str, str]]:
    files = sorted(
        (item for item in FOLDER.iterdir() if item.name.endswith(".jsonl")), key=lambda item: item.name
    )
    return [json.loads(line) for item in files for line in item.read_text("utf-8").splitlines()]


TASKS = own_tasks()

each_task = pytest.mark.parametrize("task", TASKS, ids=[task["id"] for task in TASKS])
PYTHON = [task for task in TASKS if task["language"] == "python"]

each_python_task = pytest.mark.parametrize("task", PYTHON, ids=[task["id"] for task in PYTHON])
each_text = pytest.mark.parametrize("which", ["before", "after"])


def names(text: str, language: str) -> set[str]:
    return {block.name for block in blocks(text, language)}


def changed_lines(task: dict[str, str]) -> int:
    before, after = task["before"].splitlines(), task["after"].splitlines()
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in codes if tag != "equal")


def holds(example: Example, text: str) -> bool:
    """Whether an example of a task, which is our own code, holds in this text of it."""
    scope: dict[str, object] = {"__name__": __name__}
    exec(compile(text, "subject.py", "exec"), scope)
    try:
        got = eval(example.expression, scope)
    except Exception:  # noqa: BLE001 (whatever a wrong text may raise)
        return False
    if example.kind == "doctest":
        return repr(got) == example.expected.strip()
    return bool(got == eval(example.expected, scope))


def failing(task: dict[str, str], which: str) -> list[Example]:
    text = task[which]
    found = examples_of(text, 1, text.count("\n"), task["language"])
    return [example for example in found if not holds(example, text)]


@pytest.fixture
def toolchain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole session, so that Go compiles its library once."""
    return tmp_path_factory.getbasetemp() / "toolchains"


@pytest.fixture
def verdict(toolchain_folder: Path):
    """Decides on a task's text with the real toolchain; skips where it is missing."""

    def of(task: dict[str, str], which: str) -> Verdict:
        tools = toolchain(task["language"])
        if isinstance(tools, Missing):
            pytest.skip(tools.reason)
        return check(
            tools,
            task[which],
            task["tests"],
            "all-tests-ran",
            folder=toolchain_folder / tools.language,
            run=sandbox.run,
        )

    return of


@each_task
def test_reference_passes_its_tests(task: dict[str, str], verdict):
    found = verdict(task, "after")
    assert found.status == "pass", found.told


@each_task
def test_text_before_runs_but_fails_its_tests(task: dict[str, str], verdict):
    found = verdict(task, "before")
    assert found.status == "fail"
    assert found.told


@each_task
@each_text
def test_texts_parse(task: dict[str, str], which: str):
    tree = parse(task[which], task["language"])
    assert tree is not None
    assert not tree.root_node.has_error


@each_task
def test_reference_changes_few_lines_and_drops_no_definition(task: dict[str, str]):
    language, entry = task["language"], task["entry"].rpartition(".")[2].rpartition(":")[2]
    before, after = names(task["before"], language), names(task["after"], language)
    assert 0 < changed_lines(task) <= MOST_CHANGED[task["kind"]]
    assert before <= after
    assert entry in after
    assert (entry in before) == (task["kind"] != "add")


@each_python_task
def test_every_example_holds_for_the_reference(task: dict[str, str]):
    assert failing(task, "after") == []


def test_tasks_are_of_the_languages_and_kinds_that_are_told():
    assert all(task.keys() == FIELDS for task in TASKS)
    languages = Counter(task["language"] for task in TASKS)
    assert languages == {"python": 22, "lua": 8, "javascript": 8, "go": 5, "c": 5}
    assert Counter(task["kind"] for task in TASKS) == {"fix": 24, "change": 15, "add": 9}


def test_ids_are_unique_and_begin_with_the_language():
    ids = [task["id"] for task in TASKS]
    assert len(set(ids)) == len(ids)
    assert all(task["id"].startswith(f"{task['language']}-") for task in TASKS)


def test_examples_of_the_python_tasks_show_the_fault_of_at_least_four():
    with_examples = [
        task["id"] for task in PYTHON if examples_of(task["before"], 1, task["before"].count("\n"), "python")
    ]
    shown = [task["id"] for task in PYTHON if task["kind"] == "fix" and failing(task, "before")]
    assert len(with_examples) >= 6, with_examples
    assert len(shown) >= 4, shown
