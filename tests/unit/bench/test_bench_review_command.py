"""`vivek bench --kind review` as a program: a run, its figures, going on after an end in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from review_helpers import said

FINE = 'def twice(n):\n    """Twice n.\n\n    >>> twice(2)\n    4\n    """\n    return 2 * n\n'
WRONG = FINE.replace("2 * n", "3 * n")
MISSING = "def area(r):\n    return pi * r * r\n"
ROWS = [
    {"id": "fine", "before": FINE, "label": "ok", "entry": "twice"},
    {"id": "wrong", "before": WRONG, "label": "bug", "entry": "twice"},
    {"id": "missing", "before": MISSING, "label": 1, "entry": "area"},
]


class Shell:
    """A folder with rows and a script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows(*ROWS)
        self.script = folder / "script.json"
        self.replies(said())

    def rows(self, *rows: dict[str, Any]) -> None:
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def replies(self, *replies: str) -> None:
        told = {"replies": [{"text": text} for text in replies], "repeat_last": True}
        self.script.write_text(json.dumps(told))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        model = ["--backend", "scripted", "--url", str(self.script)]
        command = [sys.executable, "-m", "vivek.cli", "bench", "--kind", "review", *arguments, *model]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )

    def report(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_each_arm_finds_what_it_can(shell: Shell) -> None:
    static, examples = shell.report("rows.jsonl", "--arms", "static,examples", "--out", "kept")["arms"]
    assert (static["arm"], static["rows"], static["bugs"]) == ("static", 3, 2)
    assert (static["found"]["value"], static["false_alarms"]["value"]) == (0.5, 0.0)
    assert (examples["found"]["value"], examples["balanced"]["value"]) == (1.0, 1.0)
    assert (examples["quotes"], examples["strange"]) == (2, 0)


def test_the_model_is_asked_in_its_arms_alone(shell: Shell) -> None:
    shell.replies(said(("return 2 * n", "It doubles."), ("return 5 * n", "Made up.")), said())
    report = shell.report("rows.jsonl", "--arms", "static,model", "--ids", "fine", "--out", "kept")
    static, model = report["arms"]
    assert (static["tokens"], static["quotes"]) == (0, 0)
    assert model["tokens"] > 0
    assert (model["quotes"], model["strange"], model["ungrounded"]) == (1, 0, 1)
    assert report["runs"][0]["settings"]["model"] == "script"


def test_a_run_goes_on_where_it_was_and_keeps_what_it_has(shell: Shell) -> None:
    first = shell.run("rows.jsonl", "--arms", "static", "--limit", "1", "--out", "kept")
    assert "1 of 1  static  fine  ok: quiet" in first.stderr
    second = shell.run("rows.jsonl", "--arms", "static", "--out", "kept")
    assert "static  fine" not in second.stderr
    assert "3 of 3  static  missing  bug: alarm" in second.stderr
    assert "area under the curve" in second.stdout
    kept = (shell.folder / "kept" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["task"] for line in kept] == ["fine", "wrong", "missing"]
    assert shell.report("--compare", "kept", "--arms", "static")["arms"][0]["rows"] == 3


def test_the_calibration_is_drawn(shell: Shell) -> None:
    done = shell.run("rows.jsonl", "--arms", "run-examples", "--out", "kept", "--plot", "told.svg")
    assert done.returncode == 0, done.stderr
    assert (
        "share with a bug" in (shell.folder / "told.svg").read_text()
        or "<svg" in (shell.folder / "told.svg").read_text()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--arms", "raw"], "no arm 'raw'"),
        (["--repeat", "2"], "--repeat is of tasks"),
        (["--temperature", "0.5"], "--temperature is of tasks"),
        (["gone.jsonl"], "gone.jsonl cannot be read"),
    ],
)
def test_bad_use_is_told_before_anything_is_run(shell: Shell, arguments: list[str], told: str) -> None:
    done = shell.run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
