"""The host's handlers, without Neovim."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosted import FakeNvim, Host
from vivek.plugin import VivekPlugin

TEXT = "def area(r):\n    return 3 * r * r\n"
AREA = "```python\ndef area(r):\n    return 4 * r * r\n```\n"


def test_an_ask_whose_packages_are_missing_is_told_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vivek.runs", None)
    deaths: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", deaths.put)
    nvim = FakeNvim()
    VivekPlugin(nvim).ask({"run": "r1"})
    [event] = nvim.batches.get(timeout=30)
    assert (event["kind"], event["run"], event["error"]["kind"]) == ("error", "r1", "InstallError")
    assert "vivek.runs" in event["error"]["message"]
    assert ":VivekInstall" in event["error"]["hint"]
    assert deaths.get(timeout=30).exc_type is ModuleNotFoundError, "its traceback goes to the log"


class Asker(Host):
    """A host that is asked about a file."""

    def ask(self, run: str, path: Path) -> None:
        place = {"path": str(path), "lines": TEXT.split("\n")[:-1], "selection": True, "first": 1, "last": 2}
        self.plugin.ask(
            {
                "run": run,
                "instruction": f"make it 4, {run}",
                "filetype": "python",
                "config": self.config,
                **place,
            }
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path / "script.json")
    yield made
    made.plugin.shutdown({})


def test_two_runs_at_once_each_come_to_their_own_end(host: Asker, tmp_path: Path) -> None:
    host.replies({"text": AREA}, {"text": AREA})
    for run in ("r1", "r2"):
        host.ask(run, tmp_path / "a.py")
    for run in ("r1", "r2"):
        assert len(host.wait_for(kind="done", run=run)["result"]["edits"]) == 1
    for run in ("r1", "r2"):
        kinds = [event["kind"] for event in host.of(run)]
        assert kinds[-1] == "done"
        assert kinds.count("reply") == 1
        [reply] = [event for event in host.of(run) if event["kind"] == "reply"]
        assert reply["text"] == AREA


def test_the_stop_of_one_run_leaves_the_one_that_waits(host: Asker, tmp_path: Path) -> None:
    host.replies({"text": AREA, "hang": True}, {"text": AREA}, slots=1)
    host.ask("r1", tmp_path / "a.py")
    host.wait_for(kind="text", run="r1")
    host.ask("r2", tmp_path / "a.py")
    assert host.wait_for(kind="progress", run="r2", phase="queued")["ahead"] == 1
    host.plugin.stop({"run": "r1"})
    assert host.wait_for(kind="done", run="r1")["result"]["stopped"]
    assert not host.wait_for(kind="done", run="r2")["result"]["stopped"]
    [reply] = [event for event in host.of("r1") if event["kind"] == "reply"]
    assert reply["text"] == "".join(event["text"] for event in host.of("r1") if event["kind"] == "text")


def test_a_stop_that_names_no_run_stops_them_all(host: Asker, tmp_path: Path) -> None:
    host.replies({"text": AREA, "hang": True}, {"text": AREA, "hang": True})
    for run in ("r1", "r2"):
        host.ask(run, tmp_path / "a.py")
        host.wait_for(kind="text", run=run)
    host.plugin.stop({})
    for run in ("r1", "r2"):
        assert host.wait_for(kind="done", run=run)["result"]["stopped"]
