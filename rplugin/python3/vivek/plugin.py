"""The RPC surface: one thin method for each message that Lua sends.

Handlers run on the host's loop thread and must return at once, so each only starts a thread or sets a switch. It
imports pynvim alone and defines no command and no function: nothing ends up in a remote plugin manifest.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pynvim

from vivek.cancel import CancelToken
from vivek.version import VERSION

if TYPE_CHECKING:
    from vivek.runs import Runs

Payload = dict[str, Any]


@pynvim.plugin
class VivekPlugin:
    """Messages from ``lua/vivek/host.lua``. The names are the contract with it."""

    def __init__(self, nvim: pynvim.Nvim) -> None:
        """Keep to assignments: were this to raise, every handler would be gone for good."""
        self._nvim = nvim
        self._runs: Runs | None = None
        self._lock = threading.Lock()
        # Kept here and not with the runs, so that a stop finds a run whose imports are still under way.
        self._cancels: dict[str, CancelToken] = {}

    @pynvim.rpc_export("vivek_ping", sync=True)
    def ping(self, _payload: Payload) -> Payload:
        """Version, Python and process id; the heavy imports start in the background."""
        threading.Thread(target=self._open, daemon=True).start()
        return {"version": VERSION, "python": platform.python_version(), "pid": os.getpid()}

    @pynvim.rpc_export("vivek_ask")
    def ask(self, payload: Payload) -> None:
        """Start a run; its events follow."""
        self._start(payload, lambda runs, cancel: runs.ask(payload, cancel))

    @pynvim.rpc_export("vivek_review")
    def review(self, payload: Payload) -> None:
        """Start a review; its events follow."""
        self._start(payload, lambda runs, cancel: runs.review(payload, cancel))

    @pynvim.rpc_export("vivek_export")
    def export(self, payload: Payload) -> None:
        """Write a review's report into a file; an `exported` or `error` event follows."""
        self._in_thread(lambda runs: runs.export(payload))

    @pynvim.rpc_export("vivek_dismiss")
    def dismiss(self, payload: Payload) -> None:
        """Silence a finding for good; a `dismissed` or `error` event follows."""
        self._in_thread(lambda runs: runs.dismiss(payload))

    @pynvim.rpc_export("vivek_stop")
    def stop(self, payload: Payload) -> None:
        """Stop one run, or all where none is named."""
        wanted = payload.get("run")
        for run, cancel in list(self._cancels.items()):
            if wanted in (None, run):
                cancel.cancel()

    @pynvim.rpc_export("vivek_new")
    def new(self, payload: Payload) -> None:
        """Start a fresh conversation for a file."""
        self._in_thread(lambda runs: runs.new(payload))

    @pynvim.rpc_export("vivek_outcome")
    def outcome(self, payload: Payload) -> None:
        """Note what became of a proposal's hunks."""
        self._in_thread(lambda runs: runs.outcome(payload))

    @pynvim.rpc_export("vivek_health")
    def health(self, payload: Payload) -> None:
        """Look at the backends and folders; a `health` event follows."""
        self._in_thread(lambda runs: runs.health(payload))

    @pynvim.rpc_export("vivek_shutdown")
    def shutdown(self, _payload: Payload) -> None:
        """Neovim leaves: close connections, so that no server works on for nobody."""
        for cancel in list(self._cancels.values()):
            cancel.cancel()
        if self._runs is not None:
            self._runs.close()

    def _start(self, payload: Payload, work: Callable[[Runs, CancelToken], None]) -> None:
        run, cancel = str(payload["run"]), CancelToken()
        self._cancels[run] = cancel

        def begin() -> None:
            try:
                work(self._open_for(run), cancel)
            finally:
                del self._cancels[run]

        threading.Thread(target=begin, daemon=True).start()

    def _in_thread(self, work: Callable[[Runs], None]) -> None:
        threading.Thread(target=lambda: work(self._open()), daemon=True).start()

    def _open_for(self, run: str) -> Runs:
        """The runs; where a package is missing, as in a Python of the user's own, the run is told of its end."""
        try:
            return self._open()
        except ImportError as error:
            from vivek.editor.bridge import Bridge

            failure = {
                "kind": "InstallError",
                "message": f"Vivek's packages cannot be loaded: {error}.",
                "hint": "Run :VivekInstall, or install them into the Python that `python` names.",
                "partial": "",
            }
            Bridge(self._nvim).emit({"kind": "error", "run": run, "error": failure})
            raise

    def _open(self) -> Runs:
        """The runs, made on first use and off the loop thread, since its imports take over a second."""
        with self._lock:
            if self._runs is None:
                from vivek.editor.bridge import Bridge
                from vivek.runs import Runs

                self._runs = Runs(Bridge(self._nvim).emit)
            return self._runs
