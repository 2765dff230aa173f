"""How much memory the model's server takes while a task is worked on: resident, of all its processes together.

Weights that are mapped from a file count as far as they are in memory. A server on another machine, or one whose
process is not known, gives nothing.
"""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

from vivek.cancel import CancelToken
from vivek.llm.base import ChatModel
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.loop import ModelLoop
from vivek.llm.ollama import OllamaModel
from vivek.verify.processes import family

_POLL_SECONDS = 0.25


class PeakMemory:
    """A `with` block in which memory is watched; `peak` is in bytes, None where nothing could be seen."""

    def __init__(self, loop: ModelLoop, model: ChatModel) -> None:
        self.peak: int | None = None
        self._loop = loop
        self._model = model
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vivek-bench-memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        self._roots = self._found()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _found(self) -> list[int]:
        """The server's processes that have no parent among them."""
        if isinstance(self._model, LlamaCppModel):
            pid = self._loop.run(self._model.process(), CancelToken())
            return [] if pid is None else [pid]
        if isinstance(self._model, OllamaModel):
            seen = psutil.process_iter(["name", "ppid"])
            named = {each.pid: each.info["ppid"] for each in seen if each.info["name"] == "ollama"}
            return [pid for pid, parent in named.items() if parent not in named]
        return []

    def _watch(self) -> None:
        while True:
            self._look()
            if self._done.wait(_POLL_SECONDS):
                self._look()
                return

    def _look(self) -> None:
        sizes = [_resident(process) for root in self._roots for process in family(root)]
        if sizes:
            self.peak = max(self.peak or 0, sum(sizes))


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
