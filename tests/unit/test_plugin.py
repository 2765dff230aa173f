"""The host's handlers, without Neovim."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from vivek.plugin import VivekPlugin


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
