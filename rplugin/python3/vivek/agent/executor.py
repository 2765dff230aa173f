"""executor: asks the model once and keeps its reply, raw, whatever it is.

It judges nothing. A stop or a failing server ends the attempt, not the run, where an earlier attempt can be offered.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from textwrap import shorten
from time import monotonic
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.budget import leaves_room, reply_cap
from vivek.agent.counted import compare
from vivek.agent.state import AskState, Attempt, Call, PlainMessage, Ports
from vivek.errors import ModelOutputInvalidError, RunStoppedError, VivekError
from vivek.llm.base import Finished, Loading, Message, Reading, Sampling, StreamEvent, Text
from vivek.prompts import render
from vivek.prompts.layout import label

RETRY_TEMPERATURE = 0.5
"""The first attempt is greedy; a retry that is greedy too tends to repeat itself. 0.4 to 0.7 is the usual range."""

PROBLEM_CHARACTERS = 800
"""Cap on what is said of a failed attempt: some 200 tokens."""

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
    counted = ports.counter.count_messages(messages)
    sampling = Sampling(
        max_tokens=reply_cap(state["room"], counted),
        temperature=0.0 if number == 1 else RETRY_TEMPERATURE,
        seed=number,
    )
    listener = _Listener(runtime, number)
    try:
        finished = ports.loop.run(_consume(ports.model.stream(messages, sampling), listener), ports.cancel)
    except RunStoppedError:
        return {"stopped": True, "partial": listener.reply}
    except VivekError as error:
        if not attempts:
            raise
        return {
            "failure": {"kind": error.kind, "message": error.message, "hint": error.hint},
            "partial": listener.reply,
        }
    compare(runtime, counted, finished.stats.prompt_tokens)
    call: Call = {"node": "executor", **asdict(finished.stats)}  # type: ignore[typeddict-item]
    attempt: Attempt = {
        "reply": listener.reply,
        "complete": finished.reason == "stop",
        "score": 0.0,
        "usable": False,
        "checks": [],
    }
    update: dict[str, Any] = {"attempts": [*attempts, attempt], "calls": [*state["calls"], call]}
    if state["route"] == "answer":
        update["answer"] = _words(listener.reply)
    return update


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

    Where that leaves the reply too little room, the complaint goes without the reply, or the retry without either.
    """
    messages = _from_plain(state["messages"])
    if not state["attempts"]:
        return messages
    last = state["attempts"][-1]
    language = label(ports.request.filetype or "text")
    repair = Message("user", render("repair", problem=_problem(last), language=language))
    with_reply = [*messages, Message("assistant", last["reply"]), repair]
    without = [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{repair.content}")]
    for candidate in (with_reply, without):
        if leaves_room(state["room"], candidate, ports.counter):
            return candidate
    return messages


def _problem(attempt: Attempt) -> str:
    """What the checks found, in so many words as a small model still minds."""
    details = " ".join(check["detail"] for check in attempt["checks"] if not check["passed"])
    return (
        shorten(details, PROBLEM_CHARACTERS, placeholder="") if len(details) > PROBLEM_CHARACTERS else details
    )


def _from_plain(messages: Sequence[PlainMessage]) -> list[Message]:
    return [Message(message["role"], message["content"]) for message in messages]


class _Listener:
    """Keeps the reply and tells of its progress. Written by the model loop's thread, read after the call."""

    def __init__(self, runtime: Runtime[Ports], attempt: int) -> None:
        self._runtime = runtime
        self._attempt = attempt
        self._pieces: list[str] = []
        self._began = 0.0

    @property
    def reply(self) -> str:
        return "".join(self._pieces)

    def hear(self, event: StreamEvent) -> None:
        if isinstance(event, Loading):
            emit.progress(self._runtime, "loading")
        elif isinstance(event, Reading):
            emit.progress(self._runtime, "reading", done=event.done, total=event.total)
        elif isinstance(event, Text):
            self._began = self._began or monotonic()
            self._pieces.append(event.text)
            emit.text(self._runtime, "executor", event.text, self._attempt)
            emit.progress(self._runtime, "writing", tokens=len(self._pieces), tokens_per_second=self._rate())

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
    raise ModelOutputInvalidError("The model's reply did not end.", hint="Ask again.", partial=listener.reply)
