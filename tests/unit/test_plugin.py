"""The host's handlers, without Neovim."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vivek.plugin import VivekPlugin

TEXT = "def area(r):\n    return 3 * r * r\n"
AREA = "```python\ndef area(r):\n    return 4 * r * r\n```\n"


class Nvim:
    """Takes what the bridge sends."""

    def __init__(self) -> None:
        self.batches: queue.Queue[list[dict[str, Any]]] = queue.Queue()

    def async_call(self, work: Callable[..., None], *values: Any) -> None:
        work(*values)

    def exec_lua(self, _code: str, batch: list[dict[str, Any]], *, async_: bool) -> None:
        assert async_, "nothing waits for Neovim"
        self.batches.put(batch)


def test_an_ask_whose_packages_are_missing_is_told_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vivek.runs", None)
    deaths: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", deaths.put)
    nvim = Nvim()
    VivekPlugin(nvim).ask({"run": "r1"})
    [event] = nvim.batches.get(timeout=30)
    assert (event["kind"], event["run"], event["error"]["kind"]) == ("error", "r1", "InstallError")
    assert "vivek.runs" in event["error"]["message"]
    assert ":VivekInstall" in event["error"]["hint"]
    assert deaths.get(timeout=30).exc_type is ModuleNotFoundError, "its traceback goes to the log"


class Host:
    """The handlers, with a scripted model, and the events that reach Neovim."""

    def __init__(self, script: Path) -> None:
        self.script = script
        self.nvim = Nvim()
        self.plugin = VivekPlugin(self.nvim)
        self.events: list[dict[str, Any]] = []

    def replies(self, *replies: dict[str, Any], slots: int = 0) -> None:
        self.script.write_text(json.dumps({"replies": replies, "slots": slots}), encoding="utf-8")

    def ask(self, run: str, path: Path) -> None:
        config = {"backend": "scripted", "url": str(self.script)}
        place = {"path": str(path), "lines": TEXT.split("\n")[:-1], "selection": True, "first": 1, "last": 2}
        self.plugin.ask(
            {"run": run, "instruction": f"make it 4, {run}", "filetype": "python", "config": config, **place}
        )

    def wait_for(self, **wanted: Any) -> dict[str, Any]:
        """The first event with these values, of those that have come and those that will."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if wanted.items() <= event.items():
                    return event
            seen = len(self.events)
            self.events += self.nvim.batches.get(timeout=60)

    def of(self, run: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["run"] == run]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "script.json")
    yield made
    made.plugin.shutdown({})


def test_two_runs_at_once_each_come_to_their_own_end(host: Host, tmp_path: Path) -> None:
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


def test_the_stop_of_one_run_leaves_the_one_that_waits(host: Host, tmp_path: Path) -> None:
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


def test_a_stop_that_names_no_run_stops_them_all(host: Host, tmp_path: Path) -> None:
    host.replies({"text": AREA, "hang": True}, {"text": AREA, "hang": True})
    for run in ("r1", "r2"):
        host.ask(run, tmp_path / "a.py")
        host.wait_for(kind="text", run=run)
    host.plugin.stop({})
    for run in ("r1", "r2"):
        assert host.wait_for(kind="done", run=run)["result"]["stopped"]
