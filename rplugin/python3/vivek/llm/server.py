"""The embedded model's server: llama.cpp (xllamacpp) in a process that all of the user's editors share.

Run as ``python -m vivek.llm.server``. It speaks llama.cpp's HTTP interface on loopback, with a random key.
While it lives it holds the lock file; when it is ready it writes a record beside it (see `Record`), and it
takes the record away and ends when nobody has asked anything for a while, or when the record no longer names
it. It knows no chats and no weights' names: `vivek.llm.launcher` starts and finds it, `vivek.llm.llamacpp`
talks to it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vivek.llm import memory

ALREADY_RUNNING = 75
"""Exit status where another process holds the lock: it serves, or loads, the same model."""

SLOTS = 2
"""Conversations that are kept ready, so that two editors do not push each other's out."""

BATCH_TOKENS = 128
"""Tokens read at a time on a CPU, where a larger batch is hardly faster: a stopped prompt
goes on for one or two batches, and progress is told after each. (Measured, 2 cores, 0.5B: 141 tokens/s with
128, 151 with 512.)"""

GPU_BATCH_TOKENS = 512

SLOT_SIMILARITY = 0.2
"""Share of a prompt that a slot must hold to be taken for it; below that the least recently used one is.

All prompts begin with the same 30 tokens, and that much alone must not cost another editor its slot. Two asks in one
file share a quarter to a half of their prompts: with 0.5 they went to different slots, and only those 30 tokens came
from the cache (measured with `make bench-prefix`).
"""

DRAFT_MATCH, DRAFT_LEAST, DRAFT_MOST = 12, 4, 16
"""n-gram speculation: how many tokens must have stood together before, and the length of a draft.

A rewrite copies most of its block, so drafts come from the prompt. On a CPU a rejected draft costs half of what its
tokens would have, hence short ones. Replayed on greedy replies of the 0.5B, 94 % of the drafted tokens are accepted;
with llama.cpp's own 24, 48, 64 it is 70 %, functions of 100 tokens gain nothing, and words gain or lose nothing with
either. `make bench-llm` measures it.
"""

PROMPT_CACHE_MIB = 512
"""Memory for conversations beyond the slots; the 1.5B needs 55 MB for 2,000 tokens."""

_LOCK_SECONDS = 0.5
"""A client that looks whether the lock is held holds it for a moment itself."""

_POLL_SECONDS = 5.0
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Record:
    """What a client needs to know, kept as JSON that the user alone can read. started: Unix time."""

    pid: int
    url: str
    key: str
    version: str
    started: float


def record_path(lock: Path) -> Path:
    """Where the server that holds this lock writes its record."""
    return lock.with_suffix(".json")


def read_record(path: Path) -> Record | None:
    """The record at this path; None where there is none, or none that can be read."""
    with suppress(OSError, ValueError, TypeError):
        return Record(**json.loads(path.read_bytes()))
    return None


def write_record(path: Path, record: Record) -> None:
    """Put the record in place in one step, so that no client reads half of it. Raises OSError."""
    fresh = path.with_suffix(f".{record.pid}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    fresh.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, serve, and end when idle; the exit status."""
    options = _parse(arguments)
    lock = FileLock(options.lock)
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout:
        return ALREADY_RUNNING
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return _serve(options, stop)


def _serve(options: argparse.Namespace, stop: threading.Event) -> int:
    import xllamacpp

    key = secrets.token_urlsafe(32)
    try:
        server = xllamacpp.Server(parameters(options.weights, options.context, key))
    except RuntimeError as error:
        print(f"The weights could not be loaded: {error}", file=sys.stderr, flush=True)
        return 1
    record = Record(os.getpid(), server.listening_address, key, xllamacpp.__version__, time.time())
    place = record_path(options.lock)
    write_record(place, record)
    try:
        _watch(record, place, options.idle, stop)
    finally:
        if read_record(place) == record:
            place.unlink()
    # llama.cpp's own end waits for the batch it computes; nothing is left that would need it.
    sys.stderr.flush()
    os._exit(0)


def parameters(weights: str, context: int, key: str) -> Any:
    """How llama.cpp is started. context: tokens for each slot."""
    import xllamacpp

    batch = GPU_BATCH_TOKENS if _has_gpu(xllamacpp.get_device_info()) else BATCH_TOKENS
    chosen = xllamacpp.CommonParams()
    chosen.model.path = weights
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = 0
    chosen.api_keys = [key]
    chosen.ui = False
    chosen.endpoint_metrics = True  # how many calls wait: see `vivek.llm.slots`
    chosen.warmup = False
    chosen.n_parallel = SLOTS
    chosen.n_ctx = context * SLOTS
    chosen.n_batch = chosen.n_ubatch = batch
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = memory.physical_cores()
    chosen.cache_prompt = True
    chosen.cache_ram_mib = PROMPT_CACHE_MIB
    chosen.slot_prompt_similarity = SLOT_SIMILARITY
    chosen.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
    drafts = chosen.speculative.ngram_mod
    drafts.n_match, drafts.n_min, drafts.n_max = DRAFT_MATCH, DRAFT_LEAST, DRAFT_MOST
    return chosen


def _has_gpu(devices: Sequence[dict[str, Any]]) -> bool:
    return any(str(device["type"]).endswith("GPU") for device in devices)


def _watch(record: Record, place: Path, idle_seconds: float, stop: threading.Event) -> None:
    """Return when the server is to end: stopped, idle for long enough, or replaced and no longer at work."""
    seen, last = _Work(False, ()), time.monotonic()
    while not stop.wait(min(_POLL_SECONDS, idle_seconds / 4)):
        work = _work(record)
        if work.busy or work != seen:
            seen, last = work, time.monotonic()
        if not work.busy and (time.monotonic() - last > idle_seconds or read_record(place) != record):
            return


@dataclass(frozen=True)
class _Work:
    """What the slots do. tasks: the last task of each, so that a call between two looks is seen too."""

    busy: bool
    tasks: tuple[int | None, ...]


def _work(record: Record) -> _Work:
    host = record.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/slots", headers={"Authorization": f"Bearer {record.key}"})
        slots = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return _Work(any(slot["is_processing"] for slot in slots), tuple(slot.get("id_task") for slot in slots))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vivek.llm.server", description=__doc__)
    parser.add_argument("--weights", required=True, help="the GGUF file")
    parser.add_argument("--context", required=True, type=int, help="tokens for each conversation")
    parser.add_argument(
        "--lock", required=True, type=Path, help="the file that this server holds while it lives"
    )
    parser.add_argument("--idle", type=float, default=1800.0, help="seconds without a request before it ends")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
