"""Hears one call's stream for the executor: keeps the reply, tells of its progress, and sees when it goes wrong.

It makes no call and judges no code: `vivek.llm.garbage` says what garbage is, the reviewer what a good reply is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.state import Attempt, PlainCheck, Ports, Route
from vivek.llm.base import CallStats, Finished, Message, Retrying, StreamEvent, Text
from vivek.llm.garbage import Garbage, Watcher

GARBAGE = "sound reply"
"""The check that a reply fails which was stopped, or is of no use from the first: it is not reviewed."""

_log = logging.getLogger(__name__)


def is_garbage(attempt: Attempt) -> bool:
    """Whether the reply was found to be of no use as it came, so that there is nothing to review."""
    return any(check["name"] == GARBAGE for check in attempt["checks"])


class Listener:
    """Keeps the reply and tells of its progress. Written by the model loop's thread, read after the call."""

    def __init__(
        self, runtime: Runtime[Ports], attempt: int, prompt_tokens: int, messages: Sequence[Message]
    ) -> None:
        self._runtime = runtime
        self._prompt_tokens = prompt_tokens
        self._attempt = attempt
        self._messages = messages
        self._asked = monotonic()
        self._void = ""
        self._start()

    def _start(self) -> None:
        self._pieces: list[str] = []
        self._began = 0.0
        self._watcher = Watcher(self._messages)
        self._garbage: Garbage | None = None

    @property
    def reply(self) -> str:
        """The text so far, raw."""
        return "".join(self._pieces)

    @property
    def partial(self) -> str:
        """What to keep of a call that failed: the reply so far, or what was written before it was tried again."""
        return self.reply or self._void

    def _start_anew(self) -> None:
        if self.reply:
            _log.debug("What was written before the call is tried again:\n%s", self.reply)
        self._void = self.reply or self._void
        self._start()

    def hear(self, event: StreamEvent) -> None:
        """Take in one event of the call; its end says nothing here."""
        if isinstance(event, Retrying):
            self._start_anew()
        if not isinstance(event, Text):
            emit.heard(self._runtime, event)
            return
        self._began = self._began or monotonic()
        self._pieces.append(event.text)
        self._garbage = self._watcher.feed(event.text)
        emit.text(self._runtime, "executor", event.text, self._attempt)
        emit.progress(self._runtime, "writing", tokens=len(self._pieces), tokens_per_second=self._rate())

    def stopped(self) -> Finished | None:
        """The end of a reply that is to be stopped here, because no good will come of it; None while it may go on.

        What the server would have told is reckoned here.
        """
        if self._garbage is None:
            return None
        now = monotonic()
        first, total = (self._began - self._asked) * 1000, (now - self._asked) * 1000
        return Finished("stop", CallStats(self._prompt_tokens, None, len(self._pieces), first, total))

    def verdict(self, finished: Finished, *, route: Route) -> list[PlainCheck]:
        """What is wrong with the reply as a whole; nothing where a good block came before it went wrong.

        A reply that was cut is none of this: it is reviewed as far as it goes.
        """
        cut = finished.reason == "length"
        garbage = self._garbage or self._watcher.end(cut=cut)
        if garbage is None or garbage.fault == "cut" or (route != "answer" and self._watcher.has_block):
            return []
        return [{"name": GARBAGE, "passed": False, "detail": garbage.detail}]

    def _rate(self) -> float:
        """Tokens a second since the first; a piece is a token or, where the server drafts ahead, close to one."""
        elapsed = monotonic() - self._began
        return (len(self._pieces) - 1) / elapsed if elapsed > 0 else 0.0
