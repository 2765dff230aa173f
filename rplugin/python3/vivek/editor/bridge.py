"""Worker threads -> Neovim: events in, batches of them out.

Off the host's loop thread only ``async_call`` is safe, so every event passes through one queue and one sender. It waits
for no answer: Neovim may sit in a prompt, and a run must not stall for that. It knows nothing of what events mean, but
that pieces of text of one reply can be joined.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterable
from time import monotonic
from typing import Any

import pynvim

Event = dict[str, Any]

BATCH_SECONDS = 0.04
"""Events are gathered this long: a redraw is the cost, not the call, and 25 redraws a second look like a stream."""

_DELIVER = "require('vivek.host').on_events(...)"
_URGENT = ("done", "reviewed", "error")

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Bridge:
    """Sends events to ``require('vivek.host').on_events`` in order, from any thread."""

    def __init__(self, nvim: pynvim.Nvim) -> None:
        self._nvim = nvim
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        threading.Thread(target=self._send_batches, name="vivek-bridge", daemon=True).start()

    def emit(self, event: Event) -> None:
        """Queue one event."""
        self._events.put(event)

    def close(self) -> None:
        """Send what is queued and end the sender."""
        self._events.put(None)

    def _send_batches(self) -> None:
        while True:
            first = self._events.get()
            if first is None:
                return
            batch, closing = self._gather(first)
            self._nvim.async_call(self._deliver, merged(batch))
            if closing:
                return

    def _gather(self, first: Event) -> tuple[list[Event], bool]:
        """Events until the batch's time is over or one cannot wait."""
        batch = [first]
        deadline = monotonic() + BATCH_SECONDS
        while batch[-1]["kind"] not in _URGENT:
            try:
                event = self._events.get(timeout=max(0.0, deadline - monotonic()))
            except queue.Empty:
                break
            if event is None:
                return batch, True
            batch.append(event)
        return batch, False

    def _deliver(self, batch: list[Event]) -> None:
        """On the loop thread: a notification, so nothing is waited for."""
        try:
            self._nvim.exec_lua(_DELIVER, batch, async_=True)
        except UnicodeEncodeError:  # the whole batch would be lost, a run's end with it
            self._nvim.exec_lua(_DELIVER, encodable(batch), async_=True)


def encodable(value: Any) -> Any:
    """The same plain value with halves of surrogate pairs joined or, where the other is missing, as U+FFFD.

    Some servers cut a character in two. The halves that stand for a buffer's bytes that are no UTF-8 stay as they are.

    >>> encodable([{"text": "\\ud83d\\ude00 \\ud83d"}]) == [{"text": "\U0001f600 \ufffd"}]
    True
    """
    if isinstance(value, str):
        joined = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), value)
        return _HALF.sub("\ufffd", joined)
    if isinstance(value, dict):
        return {key: encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list) else value


def merged(events: Iterable[Event]) -> list[Event]:
    """The events with neighbouring pieces of one reply joined, and of neighbouring progress only the last.

    >>> merged([{"kind": "text", "run": "1", "text": "a"}, {"kind": "text", "run": "1", "text": "b"}])
    [{'kind': 'text', 'run': '1', 'text': 'ab'}]
    """
    batch: list[Event] = []
    latest: dict[tuple[str, str], int] = {}
    for event in events:
        key = (event["kind"], str(event.get("run", "")))
        if event["kind"] not in ("text", "progress"):
            latest.clear()
        elif key in latest:
            at = latest[key]
            joined = batch[at]["text"] + event["text"] if event["kind"] == "text" else None
            batch[at] = {**event, "text": joined} if joined is not None else event
            continue
        else:
            latest[key] = len(batch)
        batch.append(event)
    return batch
