"""A stand-in for the Python side: it records what Lua sends and does what the instruction of an ask says.

`die` ends the process as kill -9 does, `sleep` and anything unknown leaves the ask unanswered; `emit` sends the events
that a test put in `vim.g.fake_events`, each for the run that asks. VIVEK_FAKE_START=raise makes the import fail.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pynvim

if os.environ.get("VIVEK_FAKE_START") == "raise":
    raise ImportError("No module named 'left_out'")

RECORD = "_G.received = _G.received or {}; table.insert(_G.received, { ... })"
DELIVER = "require('vivek.host').on_events(...)"


@pynvim.plugin
class FakeHost:
    """The exports of the real plugin."""

    def __init__(self, nvim: pynvim.Nvim) -> None:
        self._nvim = nvim

    def _record(self, method: str, payload: dict[str, Any]) -> None:
        self._nvim.exec_lua(RECORD, method, payload, async_=True)

    @pynvim.rpc_export("vivek_ping", sync=True)
    def ping(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload.get("hang"):
            time.sleep(60)
        return {"version": "0", "python": "3", "pid": os.getpid()}

    @pynvim.rpc_export("vivek_ask")
    def ask(self, payload: dict[str, Any]) -> None:
        self._record("vivek_ask", payload)
        if payload["instruction"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if payload["instruction"] == "emit":
            self._nvim.exec_lua(
                f"local events, run = vim.g.fake_events, ...\n"
                f"for _, event in ipairs(events) do event.run = run end\n{DELIVER[:-5]}(events)",
                payload["run"],
                async_=True,
            )

    @pynvim.rpc_export("vivek_stop")
    def stop(self, payload: dict[str, Any]) -> None:
        self._record("vivek_stop", payload)

    @pynvim.rpc_export("vivek_new")
    def new(self, payload: dict[str, Any]) -> None:
        self._record("vivek_new", payload)

    @pynvim.rpc_export("vivek_outcome")
    def outcome(self, payload: dict[str, Any]) -> None:
        self._record("vivek_outcome", payload)

    @pynvim.rpc_export("vivek_health")
    def health(self, payload: dict[str, Any]) -> None:
        report = [
            {"name": "model", "ok": True, "text": "fake-coder would answer", "hint": ""},
            {"name": "memory", "ok": "warn", "text": "memory is short", "hint": "Close a browser."},
            {"name": "folder", "ok": False, "text": "cannot write there", "hint": "Run `chmod u+w there`."},
        ]
        self._nvim.exec_lua(DELIVER, [{"kind": "health", "id": payload["id"], "report": report}], async_=True)

    @pynvim.rpc_export("vivek_shutdown")
    def shutdown(self, payload: dict[str, Any]) -> None:
        if os.environ.get("VIVEK_FAKE_END") == "never":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
