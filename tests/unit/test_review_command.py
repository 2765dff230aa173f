"""``vivek review``, on a scripted model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from review_helpers import said

CLEAN = "def area(r):\n    return 3 * r * r\n"
BROKEN = "def area(r):\n    return 3 * r * rr\n"
SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "sarif-2.1.0.json").read_text())


class Shell:
    """Runs `vivek review` in a folder with a script of replies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "script.json"
        self.replies(said())

    def replies(self, reply: str) -> None:
        self.script.write_text(json.dumps({"replies": [{"text": reply}], "repeat_last": True}))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def review(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        scripted = ["--backend", "scripted", "--url", str(self.script)]
        return self.run("review", *arguments, *scripted, text=text)

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vivek.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False
        )

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path)


def test_a_clean_file_exits_with_0(shell: Shell) -> None:
    shell.write("a.py", CLEAN)
    done = shell.review("a.py")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Nothing found; the model read 1 of 1 block." in done.stderr


def test_an_error_exits_with_1_and_is_a_line_with_its_place(shell: Shell) -> None:
    shell.write("a.py", BROKEN)
    done = shell.review("a.py")
    assert done.returncode == 1
    assert done.stdout == "a.py:2: error: Undefined name `rr`. (ruff F821)\n"


def test_json_has_the_promised_keys_and_what_is_folded_does_not_count(shell: Shell) -> None:
    shell.write("a.py", CLEAN)
    shell.replies(said(("return 3 * r * r", "Three is not pi."), ("nowhere", "Made up.")))
    done = shell.review("a.py", "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert {"findings", "folded", "skipped", "calls"} <= set(report)
    [folded] = report["folded"]
    assert (folded["path"], folded["line"], folded["source"]) == ("a.py", 2, "model")
    assert (report["findings"], report["ungrounded"], len(report["calls"])) == ([], 1, 1)


def test_sarif_is_valid_and_markdown_is_a_report(shell: Shell) -> None:
    shell.write("a.py", BROKEN)
    done = shell.review("a.py", "--sarif")
    log = json.loads(done.stdout)
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert log["runs"][0]["results"][0]["ruleId"] == "ruff/F821"
    assert done.returncode == 1
    done = shell.review("a.py", "--markdown")
    assert done.stdout.startswith("# Review of a.py\n")


def test_several_files_are_one_review_and_a_picture_among_them_is_told(shell: Shell) -> None:
    shell.write("a.py", CLEAN)
    shell.write("b.py", BROKEN)
    (shell.folder / "c.png").write_bytes(b"\x89PNG\0\0")
    done = shell.review("a.py", "b.py", "c.png", "--json")
    report = json.loads(done.stdout)
    assert [one["path"] for one in report["findings"]] == ["b.py"]
    assert [one["path"] for one in report["skipped"]] == ["c.png"]
    assert done.returncode == 1


def test_of_several_files_none_is_passed_over_in_silence(shell: Shell) -> None:
    shell.write("a.py", CLEAN)
    shell.write("b.py", CLEAN)
    assert shell.review("a.py", "b.py", "--no-model").returncode == 0
    assert shell.review("a.py", "b.py:70-80", "--no-model").returncode == 2
    done = shell.review("a.py", "b.py", "--diff", "HEAD", "--json")
    assert done.returncode == 2
    assert "no git repository" in json.loads(done.stdout)["error"]["message"]


def test_a_model_that_fails_is_not_tried_for_each_file(shell: Shell) -> None:
    shell.script.write_text('{"replies": []}')
    shell.write("a.py", CLEAN)
    shell.write("b.py", BROKEN)
    done = shell.review("a.py", "b.py", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, [one["path"] for one in report["findings"]]) == (1, ["b.py"])
    assert (
        done.stderr.count("The script has 0 replies; this is call 1.") == 2
    )  # the notice, and what was not read
    assert report["error"]["kind"] == "ModelAPIError"


def test_a_range_bounds_the_review(shell: Shell) -> None:
    shell.write("a.py", CLEAN + "\n\n" + BROKEN.replace("area", "other"))
    assert shell.review("a.py:1-2").returncode == 0
    assert shell.review("a.py:5-6").returncode == 1


def test_standard_input_is_reviewed(shell: Shell) -> None:
    done = shell.review("-", "--filetype", "python", text=BROKEN)
    assert done.returncode == 1
    assert done.stdout.startswith("stdin:2: error:")


def test_examples_run_where_it_is_asked_for(shell: Shell) -> None:
    shell.write("a.py", 'def two():\n    """Two.\n\n    >>> two()\n    2\n    """\n    return 3\n')
    assert shell.review("a.py").returncode == 0
    done = shell.review("a.py", "--run-examples", "--json")
    report = json.loads(done.stdout)
    assert [(one["source"], one["line"]) for one in report["findings"]] == [("example", 4)]
    assert done.returncode == 1


def test_only_what_changed_since_a_revision_is_reviewed(shell: Shell) -> None:
    shell.git("init", "-q")
    shell.write("a.py", BROKEN + "\n\n" + CLEAN.replace("area", "other"))
    shell.write(".gitignore", "script.json\nstate\n")
    shell.git("add", "-A")
    shell.git("commit", "-qm", "x")
    shell.write("a.py", BROKEN + "\n\n" + CLEAN.replace("area", "other").replace("3 *", "4 *"))
    shell.write("new.py", "x = missing\n")
    done = shell.review("a.py", "--diff", "HEAD")
    assert (done.returncode, done.stdout) == (0, "")
    done = shell.review("--diff", "HEAD")
    assert (done.returncode, done.stdout) == (1, "new.py:1: error: Undefined name `missing`. (ruff F821)\n")
    assert shell.review("a.py", "--diff", "no-such").returncode == 2


def test_what_cannot_run_exits_with_2_and_json_says_why(shell: Shell) -> None:
    (shell.folder / "b.bin").write_bytes(b"\0\1\2")
    shell.write("a.py", CLEAN)
    for arguments in (["none.py"], ["b.bin"], [], ["a.py:7-9"]):
        done = shell.review(*arguments, "--json")
        assert done.returncode == 2, arguments
        report = json.loads(done.stdout)
        assert report["findings"] == []
        assert report["error"]["kind"] == "RequestError"


def test_a_model_that_fails_exits_with_2_unless_an_error_stands(shell: Shell) -> None:
    shell.script.write_text('{"replies": []}')
    shell.write("a.py", CLEAN)
    done = shell.review("a.py", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "ModelAPIError"
    shell.write("a.py", BROKEN)
    assert shell.review("a.py").returncode == 1


def test_without_a_model_none_is_looked_for(shell: Shell) -> None:
    shell.write("a.py", CLEAN)
    done = shell.run("review", "a.py", "--no-model", "--backend", "openai", "--url", "http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr


def test_an_interrupt_prints_what_was_found(shell: Shell) -> None:
    shell.script.write_text(json.dumps({"replies": [{"text": "{", "hang": True}]}))
    shell.write("a.py", CLEAN)
    scripted = ["--backend", "scripted", "--url", str(shell.script)]
    command = [sys.executable, "-m", "vivek.cli", "review", "a.py", "--json", *scripted]
    with subprocess.Popen(
        command, cwd=shell.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "scripted" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=120)
    report = json.loads(told)
    assert process.returncode == 2
    assert not report["complete"]
    assert report["skipped"][0]["reason"] == "The review was stopped before it."
