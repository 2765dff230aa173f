"""The sandbox with real commands: what they cannot do, and that they end."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from time import monotonic

import psutil
import pytest

from sandboxes import BOTH, digests, needs_namespaces
from vivek.cancel import CancelToken
from vivek.errors import RunStoppedError, VerifyUnavailableError
from vivek.verify.sandbox import Limits, Outcome, run

MIB = 1 << 20


def python(code: str, workspace: Path, isolate: bool, **options: object) -> Outcome:
    needs_namespaces(isolate)
    return run([sys.executable, "-c", code], workspace=workspace, isolate=isolate, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("isolate", BOTH)
def test_a_command_runs_in_its_workspace_and_is_told_whole(tmp_path: Path, isolate: bool) -> None:
    code = (
        "import os, sys; open('made', 'w').write('x'); print(os.getcwd()); sys.stderr.write('e'); sys.exit(3)"
    )
    outcome = python(code, tmp_path, isolate)
    assert (outcome.code, outcome.ended, outcome.isolated) == (3, "exited", isolate)
    assert (outcome.stdout, outcome.stderr) == (f"{tmp_path}\n", "e")
    assert (tmp_path / "made").read_text() == "x"


@pytest.mark.parametrize("isolate", BOTH)
def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path, isolate: bool) -> None:
    code = (
        "import subprocess, sys, time; "
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', 'vivek-test-left']); time.sleep(1000)"
    )
    outcome = python(code, tmp_path, isolate, limits=Limits(seconds=1.5))
    assert (outcome.ended, outcome.code, outcome.why) == ("timeout", None, "it did not end within 1.5 s")
    assert not left_over()


@pytest.mark.parametrize("isolate", BOTH)
def test_what_a_command_leaves_behind_is_ended(tmp_path: Path, isolate: bool) -> None:
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', 'vivek-test-left'])"
    outcome = python(code, tmp_path, isolate)
    assert (outcome.ended, outcome.code) == ("exited", 0)
    assert not left_over()


def left_over() -> list[int]:
    """Processes that a command of these tests started and that go on; those that are being ended are waited for."""
    deadline = monotonic() + 10
    while True:
        found = [
            one.pid
            for one in psutil.process_iter(["cmdline", "status"])
            if "vivek-test-left" in (one.info["cmdline"] or [])[-1:]
            and one.info["status"] != psutil.STATUS_ZOMBIE
        ]
        if not found or monotonic() > deadline:
            return found
        threading.Event().wait(0.05)


@pytest.mark.parametrize("isolate", BOTH)
def test_a_stop_ends_it(tmp_path: Path, isolate: bool) -> None:
    needs_namespaces(isolate)
    cancel, started = CancelToken(), tmp_path / "started"

    def stop() -> None:
        while not started.exists():
            threading.Event().wait(0.01)
        cancel.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    code = "import time; open('started', 'w').close(); time.sleep(1000)"
    with pytest.raises(RunStoppedError):
        python(code, tmp_path, isolate, cancel=cancel, limits=Limits(seconds=60))
    thread.join()
    assert not left_over()


@pytest.mark.parametrize("isolate", BOTH)
def test_one_process_gets_no_more_memory_than_the_limit(tmp_path: Path, isolate: bool) -> None:
    outcome = python("x = bytearray(400 << 20)", tmp_path, isolate, limits=Limits(memory_bytes=200 * MIB))
    assert outcome.code == 1
    assert "MemoryError" in outcome.stderr


@pytest.mark.parametrize("isolate", BOTH)
def test_all_processes_together_get_no_more_memory_than_the_limit(tmp_path: Path, isolate: bool) -> None:
    code = "import os, time\nfor _ in range(4):\n    if not os.fork():\n        x = b'x' * (80 << 20); time.sleep(60)\ntime.sleep(60)"
    outcome = python(code, tmp_path, isolate, limits=Limits(seconds=30, memory_bytes=200 * MIB))
    assert (outcome.ended, outcome.why) == ("killed", "it used more than 200 MiB of memory")


@pytest.mark.parametrize("isolate", BOTH)
def test_it_starts_no_more_processes_than_the_limit(tmp_path: Path, isolate: bool) -> None:
    code = (
        "import os, time\nfor _ in range(60):\n    if not os.fork():\n        time.sleep(60)\ntime.sleep(60)"
    )
    outcome = python(code, tmp_path, isolate, limits=Limits(seconds=30, processes=20))
    # root is above the kernel's limit, and is watched; anybody else is refused the next process
    assert outcome.why == "it started more than 20 processes" or "BlockingIOError" in outcome.stderr
    assert outcome.ended == "killed" or outcome.code == 1


@pytest.mark.parametrize("isolate", BOTH)
def test_a_file_grows_no_larger_than_the_limit(tmp_path: Path, isolate: bool) -> None:
    code = "file = open('big', 'wb', buffering=0)\nfor _ in range(8): file.write(bytes(1 << 20))"
    outcome = python(code, tmp_path, isolate, limits=Limits(file_bytes=2 * MIB))
    assert outcome.code == 1
    assert "File too large" in outcome.stderr
    assert (tmp_path / "big").stat().st_size == 2 * MIB


@pytest.mark.parametrize("isolate", BOTH)
def test_of_a_flood_of_output_the_beginning_and_the_end_are_kept(tmp_path: Path, isolate: bool) -> None:
    outcome = python("print('first'); print('x' * 1000000); print('last')", tmp_path, isolate)
    assert outcome.stdout.startswith("first\nx")
    assert outcome.stdout.endswith("x\nlast\n")
    assert "bytes left out" in outcome.stdout
    assert len(outcome.stdout) < 70_000


@pytest.mark.parametrize("isolate", BOTH)
def test_a_signal_is_an_exit_status(tmp_path: Path, isolate: bool) -> None:
    assert python("import os; os.kill(os.getpid(), 11)", tmp_path, isolate).code == 128 + 11


@pytest.mark.parametrize("isolate", BOTH)
@pytest.mark.parametrize("program", ["no-such-program-here", "/no/such/program", "./missing", ""])
def test_a_program_that_is_not_there_is_named(tmp_path: Path, isolate: bool, program: str) -> None:
    needs_namespaces(isolate)
    with pytest.raises(VerifyUnavailableError, match="cannot be started: there is no such program"):
        run([program], workspace=tmp_path, isolate=isolate)


@pytest.mark.parametrize("isolate", BOTH)
def test_a_file_that_cannot_be_executed_is_told(tmp_path: Path, isolate: bool) -> None:
    needs_namespaces(isolate)
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    with pytest.raises(VerifyUnavailableError, match="cannot be started: Permission denied"):
        run(["./tool"], workspace=tmp_path, isolate=isolate)


@pytest.mark.parametrize("isolate", BOTH)
def test_secrets_of_the_environment_are_not_passed_on(
    tmp_path: Path, isolate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIVEK_API_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "NVIM", "DOCKER_HOST"):
        monkeypatch.setenv(name, "opensesame")
    monkeypatch.setenv("PLAIN", "kept")
    outcome = python("import os; print(dict(os.environ))", tmp_path, isolate, env={"GIVEN": "too"})
    assert "opensesame" not in outcome.stdout
    assert "'PLAIN': 'kept'" in outcome.stdout
    assert "'GIVEN': 'too'" in outcome.stdout


# What namespaces alone can do


def test_there_is_no_network_inside(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), 5).close()
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        outcome = python(code, tmp_path, True)
    assert outcome.code == 1
    assert "ConnectionRefusedError" in outcome.stderr or "Network is unreachable" in outcome.stderr


def test_nothing_outside_the_workspace_can_be_written(tmp_path: Path) -> None:
    workspace, other = tmp_path / "workspace", Path.home() / ".vivek-sandbox-test"
    workspace.mkdir()
    code = f"open({str(other)!r}, 'w')"
    outcome = python(code, workspace, True)
    assert outcome.code == 1
    assert "Read-only file system" in outcome.stderr
    assert not other.exists()


def test_root_has_no_power_inside(tmp_path: Path) -> None:
    outcome = python(
        "print([line for line in open('/proc/self/status') if 'CapEff' in line])", tmp_path, True
    )
    assert "0000000000000000" in outcome.stdout


def test_tmp_is_its_own(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "others").write_text("x")
    code = f"import os; open('/tmp/{tmp_path.name}-mine', 'w').close(); print(os.path.exists({str(tmp_path / 'others')!r}))"
    outcome = python(code, workspace, True)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout == ("False\n" if str(tmp_path).startswith("/tmp/") else "True\n")
    assert not Path(f"/tmp/{tmp_path.name}-mine").exists()


def test_processes_outside_are_not_seen(tmp_path: Path) -> None:
    outcome = python("print(open('/proc/1/cmdline').read())", tmp_path, True)
    assert "bwrap" in outcome.stdout


def test_a_workspace_lies_over_the_project_and_ignored_folders_are_read_only(tmp_path: Path) -> None:
    project, workspace = tmp_path / "project", tmp_path / "copy"
    (project / ".venv").mkdir(parents=True)
    (project / ".venv" / "kept").write_text("as it is")
    (project / "a.txt").write_text("mine")
    (project / "secret.txt").write_text("not copied")
    workspace.mkdir()
    (workspace / "a.txt").write_text("candidate")
    before = digests(project)
    code = (
        "import os; print(os.getcwd(), open('a.txt').read(), open('.venv/kept').read(), sorted(os.listdir()))\n"
        "open('a.txt', 'w').write('spoilt')\n"
        "open('.venv/kept', 'w')"
    )
    outcome = python(code, workspace, True, over=project, readable=[project / ".venv"])
    assert outcome.stdout == f"{project} candidate as it is ['.venv', 'a.txt']\n"
    assert "Read-only file system" in outcome.stderr
    assert digests(project) == before
    assert (workspace / "a.txt").read_text() == "spoilt"


def test_a_socket_of_the_system_cannot_be_reached(tmp_path: Path) -> None:
    outcome = python("import os; print(os.path.isdir('/run'), os.listdir('/run'))", tmp_path, True)
    assert outcome.stdout in ("True []\n", "True ['current-system']\n")
