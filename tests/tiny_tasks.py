"""Tiny tasks for tests of `vivek bench`, replies that solve them or not, and results that never were."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vivek.bench.result import Result
from vivek.bench.task import Task
from vivek.bench.trial import Options
from vivek.config import Settings

AREA = {
    "id": "area",
    "instruction": "Use 4 instead of 3",
    "before": "def area(r):\n    return 3 * r * r\n",
    "after": "def area(r):\n    return 4 * r * r\n",
    "tests": "assert area(2) == 16",
    "entry": "area",
}
TWICE = {
    "id": "twice",
    "instruction": "Fix it",
    "before": "def twice(n):\n    return n\n",
    "tests": "assert twice(4) == 8",
    "entry": "twice",
}
GOOD_AREA = "```python\ndef area(r):\n    return 4 * r * r\n```\n"
BAD_AREA = "```python\ndef area(r):\n    return 5 * r * r\n```\n"
GOOD_TWICE = "```python\ndef twice(n):\n    return 2 * n\n```\n"


def task(line: dict[str, str]) -> Task:
    return Task(file="tiny.jsonl", **line)


def write_tasks(path: Path, *lines: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def says(script: Path, *replies: str, **how: Any) -> Options:
    """Options of a model that says these replies, one a call. script: a file that no other test has used."""
    script.write_text(json.dumps({"replies": [{"text": reply} for reply in replies]}))
    return Options(Settings("scripted", None, str(script)), **how)


def result(name: str, arm: str, status: str, **more: Any) -> Result:
    """A result with nothing to it but what is given."""
    plain: Result = {
        "file": "tiny.jsonl",
        "task": name,
        "cluster": f"tiny.jsonl:{name.partition('#')[0]}",
        "arm": arm,
        "repeat": 0,
        "status": status,
        "detail": "",
        "isolated": True,
        "code": "",
        "well_formed": True,
        "unchanged": False,
        "lost_symbols": 0,
        "changed_outside": None,
        "error": "",
        "seconds": 1.0,
        "peak_bytes": None,
        "about": {},
        "calls": [],
    }
    return {**plain, **more}  # type: ignore[typeddict-item]


def results(arm: str, outcomes: Sequence[bool]) -> list[Result]:
    return [result(f"t{number}", arm, "pass" if won else "fail") for number, won in enumerate(outcomes)]
