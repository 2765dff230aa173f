"""executor: asks the model once and keeps its reply, raw, whatever it is.

It judges nothing. A stop or a failing server ends the attempt, not the run, where an earlier attempt can be offered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from time import monotonic
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.state import AskState, Attempt, Call, PlainCheck, PlainMessage, Ports, Route
from vivek.errors import ModelOutputInvalidError, RunStoppedError, VivekError
from vivek.llm.base import (
    CallStats,
    Finished,
    Message,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
)
from vivek.llm.garbage import Garbage, Watcher
from vivek.llm.profiles import Profile
from vivek.prompts import render
from vivek.prompts.layout import label

GARBAGE = "sound reply"
"""The check that a reply fails which was stopped, or is of no use from the first: it is not reviewed."""

GARBAGE_TEMPERATURE = 0.7
GARBAGE_PENALTY = 1.1
"""What gets a model out of a loop: Ollama's own defaults are 0.8 and 1.1."""

_log = logging.getLogger(__name__)
_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)


def executor(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """One model call; adds an attempt, or `stopped` and what was written until then.

    Raises VivekError where the call fails and there is no earlier attempt to fall back on.
    """
    ports = runtime.context
    attempts = state["attempts"]
    number = len(attempts) + 1
    emit.node(runtime, "executor", "asking the model" if number == 1 else "asking again", number)
    messages = _messages(state, ports)
    sampling = _sampling(state, ports.profile)
    listener = _Listener(runtime, number, messages)
    try:
        finished = ports.loop.run(_consume(ports.model.stream(messages, sampling), listener), ports.cancel)
    except RunStoppedError:
        return {"stopped": True, "partial": listener.partial}
    except VivekError as error:
        error.partial = error.partial or listener.partial
        if not attempts:
            raise
        return {
            "failure": {"kind": error.kind, "message": error.message, "hint": error.hint},
            "partial": listener.partial,
        }
    call: Call = {"node": "executor", **asdict(finished.stats)}  # type: ignore[typeddict-item]
    attempt: Attempt = {
        "reply": listener.reply,
        "complete": finished.reason == "stop",
        "score": 0.0,
        "usable": False,
        "checks": listener.verdict(finished, route=state["route"]),
    }
    update: dict[str, Any] = {"attempts": [*attempts, attempt], "calls": [*state["calls"], call]}
    if state["route"] == "answer":
        update |= _answered(attempt, runtime)
    return update


def is_garbage(attempt: Attempt) -> bool:
    """Whether the executor itself found the reply to be of no use, so that there is nothing to review."""
    return any(check["name"] == GARBAGE for check in attempt["checks"])


def _answered(attempt: Attempt, runtime: Runtime[Ports]) -> dict[str, Any]:
    """The answer in words; for garbage none, and a notice."""
    if is_garbage(attempt):
        emit.notice(runtime, attempt["checks"][0]["detail"])
        return {}
    if not attempt["complete"]:
        emit.notice(runtime, "The answer was cut off before its end: it had as many tokens as it may have.")
    return {"answer": _words(attempt["reply"])}


def _sampling(state: AskState, profile: Profile) -> Sampling:
    """As the profile says, greedy at first. After garbage other dice: hotter, with a penalty on what was just said."""
    number = len(state["attempts"]) + 1
    temperature = profile.temperature if number == 1 else profile.retry_temperature
    penalty = profile.repeat_penalty
    if state["attempts"] and is_garbage(state["attempts"][-1]):
        temperature, penalty = max(temperature, GARBAGE_TEMPERATURE), max(penalty, GARBAGE_PENALTY)
    return Sampling(
        max_tokens=state["reply_tokens"],
        temperature=temperature,
        top_p=profile.top_p,
        seed=number,
        repeat_penalty=penalty,
    )


def _words(reply: str) -> str:
    """An answer in words: the reply without its thoughts. Raises ModelOutputInvalidError for an empty one."""
    words = _THOUGHTS.sub("", reply).strip()
    if not words:
        raise ModelOutputInvalidError(
            "The model answered with nothing.",
            hint="Ask again in other words, or try a larger model.",
            partial=reply,
        )
    return words


def _messages(state: AskState, ports: Ports) -> list[Message]:
    """The prompt; for a retry also the last reply and what is wrong with it, so that all before it stays cached.

    Garbage is not shown to the model again: it would go on with it.
    """
    messages = _from_plain(state["messages"])
    worthy = [attempt for attempt in state["attempts"] if not is_garbage(attempt)]
    if not worthy:
        return messages
    last = worthy[-1]
    problem = " ".join(check["detail"] for check in last["checks"] if not check["passed"])
    language = label(ports.request.filetype or "text")
    repair = Message("user", render("repair", problem=problem, language=language))
    longer = [*messages, Message("assistant", last["reply"]), repair]
    if ports.counter.count_messages(longer) + state["reply_tokens"] <= ports.info.context_window:
        return longer
    return [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{repair.content}")]


def _from_plain(messages: Sequence[PlainMessage]) -> list[Message]:
    return [Message(message["role"], message["content"]) for message in messages]


class _Listener:
    """Keeps the reply and tells of its progress. Written by the model loop's thread, read after the call."""

    def __init__(self, runtime: Runtime[Ports], attempt: int, messages: Sequence[Message]) -> None:
        self._runtime = runtime
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
        now, prompt = monotonic(), self._runtime.context.counter.count_messages(self._messages)
        first, total = (self._began - self._asked) * 1000, (now - self._asked) * 1000
        return Finished("stop", CallStats(prompt, None, len(self._pieces), first, total))

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


async def _consume(stream: AsyncIterator[StreamEvent], listener: _Listener) -> Finished:
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, Finished):
                return event
            listener.hear(event)
            if stopped := listener.stopped():
                return stopped  # which closes the stream, and so the connection
    raise ModelOutputInvalidError("The model's reply did not end.", hint="Ask again.", partial=listener.reply)
