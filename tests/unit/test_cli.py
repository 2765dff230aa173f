"""The command line, on a scripted model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vivek.edits.diff import apply

TEXT = "def area(r):\n    return 3 * r * r\n"
GOOD = "```python\ndef area(r):\n    return 4 * r * r\n```\n"
CHANGED = TEXT.replace("3 * r", "4 * r")


class Shell:
    """Runs `vivek` in a folder with a file and a script of replies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "a.py"
        self.file.write_text(TEXT)
        self.script = folder / "script.json"

    def replies(self, *replies: str) -> None:
        self.script.write_text(json.dumps({"replies": [{"text": reply} for reply in replies]}))

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vivek.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, input=text, capture_output=True, text=True, timeout=60, check=False
        )

    def ask(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return self.run("ask", *arguments, "--backend", "scripted", "--url", str(self.script), text=text)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path)


def test_the_diff_alone_is_on_standard_output(shell: Shell) -> None:
    shell.replies(GOOD)
    done = shell.ask("a.py", "make it 4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("--- a/a.py\n+++ b/a.py\n")
    assert "-    return 3 * r * r\n+    return 4 * r * r\n" in done.stdout
    assert shell.file.read_text() == TEXT
    assert "1 hunk" in done.stderr


def test_json_is_one_object_with_all_that_is_promised(shell: Shell) -> None:
    shell.replies(GOOD)
    done = shell.ask("a.py:1-2", "make it 4", "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["text"] == CHANGED
    assert apply(TEXT, report["edits"]) == CHANGED
    assert report["route"] == "rewrite"
    assert report["iterations"] == 1
    assert report["error"] is None
    assert set(report["checks"][0]) == {"name", "passed", "detail"}
    assert set(report["calls"][0]) == {
        "node",
        "prompt_tokens",
        "cached_tokens",
        "generated_tokens",
        "first_token_ms",
        "total_ms",
    }


def test_a_diff_is_patched_from_where_the_command_ran(shell: Shell) -> None:
    below = shell.folder / "deep" / "er" / "a b.py"
    below.parent.mkdir(parents=True)
    shell.file.rename(below)
    shell.replies(GOOD)
    done = shell.ask("deep/er/a b.py", "make it 4")
    subprocess.run(["git", "apply"], cwd=shell.folder, input=done.stdout, text=True, check=True)
    assert below.read_text() == CHANGED


def test_a_failure_has_the_keys_of_a_success(shell: Shell) -> None:
    shell.replies(GOOD)
    success = json.loads(shell.ask("a.py", "make it 4", "--json").stdout)
    failure = json.loads(shell.ask("missing.py", "make it 4", "--json").stdout)
    assert set(failure) == set(success)


def test_write_changes_the_file_and_prints_nothing(shell: Shell) -> None:
    shell.replies(GOOD)
    shell.file.chmod(0o750)
    done = shell.ask("a.py", "make it 4", "--write")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert shell.file.read_text() == CHANGED
    assert shell.file.stat().st_mode & 0o777 == 0o750


def test_a_file_that_changed_meanwhile_is_not_overwritten(shell: Shell) -> None:
    reply = {"text": GOOD, "tokens_per_second": 20}
    shell.script.write_text(json.dumps({"replies": [reply]}))
    command = [sys.executable, "-m", "vivek.cli", "ask", "a.py", "make it 4", "--write"]
    command += ["--backend", "scripted", "--url", str(shell.script)]
    with subprocess.Popen(
        command, cwd=shell.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stderr is not None
        assert any(line.startswith("executor") for line in asking.stderr)
        shell.file.write_text("# mine\n" + TEXT)
        out, told = asking.communicate(timeout=60)
    assert asking.returncode == 1
    assert "changed while the model was at work" in told
    assert "+    return 4 * r * r" in out
    assert shell.file.read_text() == "# mine\n" + TEXT


def test_an_interrupt_while_python_still_imports_ends_it_without_a_traceback(shell: Shell) -> None:
    interrupted = (
        "import os, signal, sys; from vivek import cli, terminal;"
        "sys.meta_path.insert(0, type('Finder', (), {'find_spec': staticmethod("
        "lambda name, *_: os.kill(os.getpid(), signal.SIGINT) if name == 'vivek.session' else None)}));"
        "cli.main(sys.argv[1:])"
    )
    shell.replies(GOOD)
    command = [sys.executable, "-c", interrupted, "ask", "a.py", "make it 4"]
    command += ["--backend", "scripted", "--url", str(shell.script)]
    done = subprocess.run(command, cwd=shell.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "stopped" in done.stderr.lower()


def test_lines_of_standard_input_can_be_named(shell: Shell) -> None:
    shell.replies(GOOD)
    done = shell.ask("-:1-2", "make it 4", "--json", "--filetype", "python", text=TEXT + "x = 1\n")
    assert json.loads(done.stdout)["text"] == CHANGED + "x = 1\n"


def test_standard_input_is_a_file_too(shell: Shell) -> None:
    shell.replies(GOOD)
    done = shell.ask("-", "make it 4", "--json", "--filetype", "python", text=TEXT)
    assert json.loads(done.stdout)["text"] == CHANGED


def test_a_question_is_answered_on_standard_output(shell: Shell) -> None:
    shell.replies("It is an area.")
    done = shell.ask("a.py", "what is this?")
    assert (done.returncode, done.stdout) == (0, "It is an area.\n")


def test_nothing_usable_is_exit_1_with_the_error(shell: Shell) -> None:
    shell.replies("No.", "No.", "No.")
    done = shell.ask("a.py", "make it 4", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["error"]["kind"] == "ModelOutputInvalidError"
    assert report["error"]["partial"] == "No."
    assert report["edits"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("missing.py", "do it"),
        ("a.py:5-9", "do it"),
        ("a.py:2-1", "do it"),
        ("a.py", " "),
        ("-", "do it", "--write"),
        ("a.py", "do it", "--write", "--json"),
        ("a.py",),
    ],
)
def test_bad_use_is_exit_2_and_says_why(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell.replies(GOOD)
    done = shell.ask(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert shell.file.read_text() == TEXT


def test_a_stored_thread_is_remembered(shell: Shell) -> None:
    (shell.folder / "pyproject.toml").write_text("")
    shell.replies(GOOD)
    assert json.loads(shell.ask("a.py", "make it 4", "--json", "--thread", "mine").stdout)["thread"] == "mine"
    assert (shell.folder / ".vivek" / "checkpoints.db").exists()


def test_without_a_thread_nothing_is_stored(shell: Shell) -> None:
    (shell.folder / "pyproject.toml").write_text("")
    shell.replies(GOOD)
    shell.ask("a.py", "make it 4", "--json")
    assert not (shell.folder / ".vivek").exists()


def test_bytes_that_are_not_utf8_and_line_ends_survive(shell: Shell) -> None:
    data = b"# caf\xe9\r\ndef area(r):\r\n    return 3 * r * r\r\nx = 1"
    shell.file.write_bytes(data)
    shell.replies(GOOD)
    done = shell.ask("a.py:2-3", "make it 4", "--write")
    assert done.returncode == 0, done.stderr
    assert shell.file.read_bytes() == data.replace(b"3 * r", b"4 * r")


def test_the_known_models_are_listed(shell: Shell) -> None:
    names = [row["name"] for row in json.loads(shell.run("models", "--json").stdout)]
    assert "qwen2.5-coder:1.5b" in names
