"""Stands in for xllamacpp in tests of the server process: the same interface, real sockets, no model.

What it does is told by the environment. FAKE_LLAMA_LOAD: how a load goes (`fail`, `crash`, or a path to wait
for); FAKE_LLAMA_LOG: a file that gets a line of JSON for each thing that happens. A chat's last message says
how it is answered; see `_Handler._answer`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

__version__ = "0.fake"
common_speculative_type = SimpleNamespace(COMMON_SPECULATIVE_TYPE_NGRAM_MOD="ngram-mod")


class ggml_backend_dev_type(Enum):  # noqa: N801
    CPU = 0


def get_device_info() -> list[dict]:
    return [{"name": "CPU", "type": ggml_backend_dev_type.CPU}]


def CommonParams() -> SimpleNamespace:  # noqa: N802
    parts = {name: SimpleNamespace() for name in ("model", "cpuparams", "cpuparams_batch", "speculative")}
    parts["speculative"].ngram_mod = SimpleNamespace()
    return SimpleNamespace(**parts)


def note(**event: object) -> None:
    with Path(os.environ["FAKE_LLAMA_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps({**event, "pid": os.getpid()}) + "\n")


class Server:
    def __init__(self, params: SimpleNamespace) -> None:
        note(what="load", context=params.n_ctx, slots=params.n_parallel)
        self._load(os.environ.get("FAKE_LLAMA_LOAD", ""))
        server = ThreadingHTTPServer((params.hostnames[0], params.port), _Handler)
        server.params, server.queue = params, Queue(params.n_parallel)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"

    def _load(self, how: str) -> None:
        if how == "fail":
            print("loading model\nerror loading model: the tensor is not there", file=sys.stderr, flush=True)
            raise RuntimeError("Failed to init server")
        if how == "crash":
            print("about to crash", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        while how and not Path(how).exists():
            time.sleep(0.01)


class Queue:
    """The slots, and the calls that wait for one, first come, first served. working: the task of each busy slot."""

    def __init__(self, slots: int) -> None:
        self._free = list(range(slots))
        self._waiting: list[int] = []
        self._tasks = 0
        self._changed = threading.Condition()
        self.last: dict[int, int] = {}
        self.slots = slots

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def busy(self, slot: int) -> bool:
        return slot not in self._free

    def enter(self) -> int:
        """Wait for a slot; its number."""
        with self._changed:
            self._tasks += 1
            task = self._tasks
            self._waiting.append(task)
            self._changed.wait_for(lambda: self._free and self._waiting[0] == task)
            self._waiting.pop(0)
            slot = self._free.pop(0)
            self.last[slot] = task
            self._changed.notify_all()
            return slot

    def leave(self, slot: int) -> None:
        with self._changed:
            self._free.append(slot)
            self._changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/health":
            return self._json({"status": "ok"})
        if not self._allowed():
            return None
        server, queue = self.server, self.server.queue
        slots = [
            {"id": slot, "is_processing": queue.busy(slot), "id_task": queue.last.get(slot)}
            for slot in range(queue.slots)
        ]
        if self.path == "/metrics":
            return self._text(f"llamacpp:requests_deferred {queue.waiting}\n")
        context = server.params.n_ctx // server.params.n_parallel
        return self._json(
            {
                "/slots": slots,
                "/props": {"default_generation_settings": {"n_ctx": context}},
                "/v1/models": {"data": [{"meta": {"n_params": 494_000_000}}]},
            }[self.path]
        )

    def do_POST(self) -> None:
        if not self._allowed():
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        note(what="chat", body=body)
        slot = self.server.queue.enter()
        try:
            self._answer(body["messages"][-1]["content"])
        except OSError:
            note(what="hung up")
        finally:
            self.server.queue.leave(slot)

    def _answer(self, how: str) -> None:
        if how == "too long":
            return self._json(
                {
                    "error": {
                        "message": "request (9000 tokens) exceeds the available context size (8192 tokens)"
                    }
                },
                400,
            )
        if how == "refuse":
            return self._json({"error": {"message": "no such thing"}}, 500)
        self.send_response(200)
        self.end_headers()
        self._event(choices=[{"delta": {"role": "assistant", "content": None}, "finish_reason": None}])
        self._event(choices=[], prompt_progress={"total": 20, "cache": 16, "processed": 16, "time_ms": 0})
        self._event(choices=[], prompt_progress={"total": 20, "cache": 16, "processed": 20, "time_ms": 9})
        self._event(choices=[{"delta": {"content": "def "}, "finish_reason": None}])
        if how == "hang":
            self._until_hung_up()
        if how.startswith("wait for "):
            self._until(Path(how.removeprefix("wait for ")))
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "break":
            return self._event(error={"code": 500, "message": "out of memory"})
        if how == "end":
            return None
        self._event(choices=[{"delta": {"content": "f"}, "finish_reason": None}])
        reason = "length" if how == "long" else "stop"
        self._event(choices=[{"delta": {}, "finish_reason": reason}])
        usage = {"prompt_tokens": 20, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 16}}
        self._event(choices=[], usage=usage)
        return self._raw(b"data: [DONE]\n\n")

    def _until_hung_up(self) -> None:
        select.select([self.connection], [], [])
        raise OSError

    def _until(self, gate: Path) -> None:
        while not gate.exists():
            time.sleep(0.01)

    def _event(self, **content: object) -> None:
        self._raw(b"data: " + json.dumps(content).encode() + b"\n\n")

    def _raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _json(self, content: object, status: int = 200) -> None:
        self._text(json.dumps(content), status)

    def _text(self, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._raw(body)

    def _allowed(self) -> bool:
        allowed = self.headers["Authorization"] == f"Bearer {self.server.params.api_keys[0]}"
        if not allowed:
            self._json({"error": {"message": "Invalid API Key"}}, 401)
        return allowed
