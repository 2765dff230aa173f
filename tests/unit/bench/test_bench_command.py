"""`vivek bench` as a program: a run, its table and JSON, going on after an end in the middle, reading it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tiny_tasks import AREA, BAD_AREA, GOOD_AREA, GOOD_TWICE, TWICE, write_tasks

ALL = (BAD_AREA, GOOD_TWICE, GOOD_AREA, GOOD_TWICE)
"""raw solves one of two, vivek both."""


class Shell:
    """A folder with a task file and a script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks = write_tasks(folder / "tiny.jsonl", AREA, TWICE)
        self.script = folder / "script.json"

    def replies(self, *replies: str, hang_after: int | None = None) -> None:
        told = [{"text": text, "hang": number == hang_after} for number, text in enumerate(replies)]
        self.script.write_text(json.dumps({"replies": told}))

    def command(self, *arguments: str) -> list[str]:
        model = ["--backend", "scripted", "--url", str(self.script)]
        return [sys.executable, "-m", "vivek.cli", "bench", *arguments, *model]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_run_is_told_as_a_table_and_kept_for_reading(shell: Shell) -> None:
    shell.replies(*ALL)
    done = shell.run("tiny.jsonl", "--out", "kept")
    assert done.returncode == 0, done.stderr
    assert "1 of 2" in done.stdout
    assert "2 of 2" in done.stdout
    assert "McNemar" in done.stdout
    assert "4 of 4  vivek  twice  pass" in done.stderr
    read = shell.run("--read", "kept", "--arms", "raw", "--failed")
    assert "area  raw: fail" in read.stdout
    assert "Instruction: Use 4 instead of 3" in read.stdout
    assert BAD_AREA in read.stdout
    assert "twice" not in read.stdout


def test_json_holds_the_figures_the_comparison_and_the_settings(shell: Shell) -> None:
    shell.replies(*ALL)
    done = shell.run("tiny.jsonl", "--json", "--out", "kept")
    report = json.loads(done.stdout)
    raw, vivek = report["arms"]
    assert [(each["arm"], each["solved"], each["tasks"]) for each in (raw, vivek)] == [
        ("raw", 1, 2),
        ("vivek", 2, 2),
    ]
    assert raw["computed"] == raw["prompt"] - raw["cached"] + raw["generated"]
    assert raw["per_solved"] == pytest.approx(2 * raw["computed"])
    (pair,) = report["comparisons"]
    assert (pair["wins"], pair["losses"], pair["difference"], pair["p"]) == (1, 0, 0.5, 1.0)
    assert report["runs"][0]["settings"]["model"] == "script"


def test_a_killed_run_goes_on_where_it_was(shell: Shell) -> None:
    shell.replies(BAD_AREA, GOOD_TWICE, "", hang_after=2)
    process = subprocess.Popen(shell.command("tiny.jsonl", "--out", "kept"), cwd=shell.folder)
    lines = shell.folder / "kept" / "results.jsonl"
    deadline = time.monotonic() + 60
    while not (lines.exists() and lines.read_bytes().count(b"\n") == 2):
        assert time.monotonic() < deadline, "two tasks were never finished"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    lines.write_bytes(lines.read_bytes() + b'{"file": "tiny.js')
    shell.replies(GOOD_AREA, GOOD_TWICE)
    done = shell.run("tiny.jsonl", "--out", "kept", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["solved"] for each in json.loads(done.stdout)["arms"]] == [1, 2]
    assert "raw" not in done.stderr


def test_a_stop_ends_the_run_and_keeps_what_was_finished(shell: Shell) -> None:
    shell.replies(BAD_AREA, GOOD_TWICE, "", hang_after=2)
    command = shell.command("tiny.jsonl", "--out", "kept")
    process = subprocess.Popen(command, cwd=shell.folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("2 of 4"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in rest
    assert (shell.folder / "kept" / "results.jsonl").read_bytes().count(b"\n") == 2


def test_other_settings_in_the_same_folder_are_refused(shell: Shell) -> None:
    shell.replies(*ALL)
    assert shell.run("tiny.jsonl", "--out", "kept").returncode == 0
    done = shell.run("tiny.jsonl", "--out", "kept", "--seed", "2")
    assert done.returncode == 2
    assert "seed was 1 and is now 2" in done.stderr


def test_runs_of_two_folders_are_compared_and_an_arm_of_both_told_apart(shell: Shell) -> None:
    shell.replies(*ALL)
    shell.run("tiny.jsonl", "--out", "one")
    shell.replies(GOOD_AREA, BAD_AREA)
    shell.run("tiny.jsonl", "--out", "two", "--arms", "vivek")
    done = shell.run("--compare", "one", "two", "--json")
    arms = [(each["arm"], each["solved"]) for each in json.loads(done.stdout)["arms"]]
    assert arms == [("raw", 1), ("vivek (one)", 2), ("vivek (two)", 1)]


def test_a_report_is_a_row_of_a_table(shell: Shell) -> None:
    shell.replies(*ALL)
    done = shell.run("tiny.jsonl", "--out", "kept", "--report")
    head, _, row = done.stdout.splitlines()
    assert head.startswith("| model | raw solved |")
    assert row.startswith("| script | 1 of 2 | 2 of 2 | 100% |")


def test_a_picture_is_drawn(shell: Shell) -> None:
    shell.replies(*ALL)
    assert shell.run("tiny.jsonl", "--out", "kept", "--plot", "a.svg").returncode == 0
    assert "<svg" in (shell.folder / "a.svg").read_text()
    done = shell.run("--compare", "kept", "--plot", "a.png")
    assert done.returncode == 0, done.stderr
    assert (shell.folder / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.jsonl"], "cannot be read"),
        (["tiny.jsonl", "--arms", "rwa"], "Did you mean 'raw'?"),
        (["tiny.jsonl", "--ids", "x*"], "Nothing is left"),
        (["tiny.jsonl", "--plot", "a.txt"], "cannot be drawn"),
        (["tiny.jsonl", "--limit", "0"], "--limit: '0' is not a whole number"),
        (["tiny.jsonl", "--temperature", "hot"], "'hot' is not a number from 0 to 2"),
        (["--read", "none"], "holds no run"),
        (["--compare", "none"], "holds no run"),
    ],
)
def test_bad_use_is_told_before_anything_runs(shell: Shell, arguments: list[str], told: str) -> None:
    shell.replies()
    done = shell.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
