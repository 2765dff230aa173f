"""The host's handlers on a scripted model, without Neovim."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vivek.plugin import VivekPlugin


class FakeNvim:
    """Takes what the bridge sends."""

    def __init__(self) -> None:
        self.batches: queue.Queue[list[dict[str, Any]]] = queue.Queue()

    def async_call(self, work: Callable[..., None], *values: Any) -> None:
        """Do it here and now."""
        work(*values)

    def exec_lua(self, _code: str, batch: list[dict[str, Any]], *, async_: bool) -> None:
        """Keep a batch of events."""
        assert async_, "nothing waits for Neovim"
        self.batches.put(batch)


class Host:
    """The handlers, with a scripted model, and the events that reach Neovim."""

    def __init__(self, script: Path) -> None:
        self.script = script
        self.nvim = FakeNvim()
        self.plugin = VivekPlugin(self.nvim)
        self.events: list[dict[str, Any]] = []
        self.config = {"backend": "scripted", "url": str(script)}

    def replies(self, *replies: dict[str, Any], slots: int = 0) -> None:
        """What the model says, in turn."""
        self.script.write_text(json.dumps({"replies": replies, "slots": slots}), encoding="utf-8")

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
        """The events of a run that have come."""
        return [event for event in self.events if event["run"] == run]
