"""Between the events of a node's model calls and the listener: each call's raw reply, told whole when it has ended.

However it ended: by itself, cut off as garbage, failed halfway, tried again, or stopped. This is the one place that
tells replies, for all nodes. It judges none and keeps none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.state import Node, Ports
from vivek.llm.base import Finished, Retrying, StreamEvent, Text


class Replies:
    """Passes the events of calls on, and tells their replies; a context manager around the calls.

    attempt: the executor's attempt that the calls belong to. hear: gets every event. Nothing is passed on or told after
    the block: a call that was stopped goes on for a moment, in the model loop's thread.
    """

    def __init__(
        self, runtime: Runtime[Ports], node: Node, attempt: int, hear: Callable[[StreamEvent], None]
    ) -> None:
        self._runtime = runtime
        self._node = node
        self._attempt = attempt
        self._hear = hear
        self._pieces: list[str] = []
        self._open = True
        self._lock = threading.Lock()

    def __enter__(self) -> Replies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._open = False
            self._tell_broken_off()

    def hear(self, event: StreamEvent) -> None:
        """Take in one event; called by the model loop's thread."""
        with self._lock:
            if not self._open:
                return
            if isinstance(event, Text):
                self._pieces.append(event.text)
            elif isinstance(event, Retrying):
                self._tell_broken_off()
            elif isinstance(event, Finished):
                self._tell()
            self._hear(event)

    def _tell_broken_off(self) -> None:
        """Tell the reply of a call that came to no end of its own; where nothing was written, there is none."""
        if self._pieces:
            self._tell()

    def _tell(self) -> None:
        emit.reply(self._runtime, self._node, "".join(self._pieces), self._attempt)
        self._pieces.clear()
