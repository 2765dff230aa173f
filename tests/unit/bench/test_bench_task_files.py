"""Task files: what is a task, and what is told of one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny_tasks import AREA, TWICE, task, write_tasks
from vivek.bench.jsonl import chosen
from vivek.bench.task import load
from vivek.errors import RequestError


def test_tasks_come_in_order_and_other_fields_do_not_matter(tmp_path: Path) -> None:
    found = load(write_tasks(tmp_path / "tiny.jsonl", {**AREA, "source": "here"}, TWICE))
    assert found.tasks == (task(AREA), task(TWICE))
    assert found.name == "tiny.jsonl"
    assert found.digest != load(write_tasks(tmp_path / "other.jsonl", TWICE)).digest


def test_an_entry_may_be_null(tmp_path: Path) -> None:
    path = tmp_path / "tiny.jsonl"
    path.write_text(json.dumps({**AREA, "entry": None}) + "\n\n")
    assert load(path).tasks[0].entry == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "Line 1 of"),
        ('{"id": "a"}', "instruction"),
        (json.dumps({**AREA, "tests": 3}), "tests"),
        ("[]", "Line 1 of"),
        (f"{json.dumps(AREA)}\n{json.dumps(AREA)}", "the id 'area' twice"),
    ],
)
def test_what_is_no_task_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "tiny.jsonl"
    path.write_text(content)
    with pytest.raises(RequestError, match=told):
        load(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        load(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9\n")
    with pytest.raises(RequestError, match="not UTF-8"):
        load(tmp_path / "latin.jsonl")


def test_tasks_are_chosen_by_id_and_number() -> None:
    every = [task(AREA), task(TWICE)]
    assert chosen(every, "t*", None) == every[1:]
    assert chosen(every, None, 1) == every[:1]
    with pytest.raises(RequestError, match="Nothing is left"):
        chosen(every, "x*", None)
