"""executor: asks the model once and keeps its reply, raw, whatever it is.

It judges nothing. A stop or a failing server ends the attempt, not the run, where an earlier attempt can be offered.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from textwrap import shorten
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.budget import leaves_room, reply_cap
from vivek.agent.counted import compare
from vivek.agent.listener import Listener, is_garbage
from vivek.agent.replies import Replies
from vivek.agent.state import AskState, Attempt, Call, PlainMessage, Ports
from vivek.errors import ModelOutputInvalidError, RunStoppedError, VivekError
from vivek.llm.base import (
    Finished,
    Message,
    Sampling,
    StreamEvent,
)
from vivek.llm.profiles import Profile
from vivek.prompts import render
from vivek.prompts.layout import label

PROBLEM_CHARACTERS = 800
"""Cap on what is said of a failed attempt: some 200 tokens."""

GARBAGE_TEMPERATURE = 0.7
GARBAGE_PENALTY = 1.1
"""What gets a model out of a loop: Ollama's own defaults are 0.8 and 1.1."""

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)


def executor(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """One model call; adds an attempt, or `stopped` and what was written until then.

    Raises VivekError where the call fails and no earlier attempt can be offered; its raw reply goes along.
    """
    ports = runtime.context
    attempts = state["attempts"]
    number = len(attempts) + 1
    detail = "asking the model" if number == 1 else "asking again"
    emit.executing(runtime, detail, number, route=state["route"], target=state["target"])
    messages = _messages(state, ports)
    counted = ports.counter.count_messages(messages)
    sampling = _sampling(state, ports.profile, counted)
    listener = Listener(runtime, number, counted, messages)
    stream = ports.model.stream(messages, sampling)
    try:
        with Replies(runtime, "executor", number, listener.hear) as replies:
            finished = ports.loop.run(_consume(stream, listener, replies.hear), ports.cancel)
    except RunStoppedError:
        return {"stopped": True, "partial": listener.partial}
    except VivekError as error:
        error.partial = error.partial or listener.partial
        if state["best"] < 0:
            error.partial = error.partial or (attempts[-1]["reply"] if attempts else "")
            raise
        return {
            "failure": {"kind": error.kind, "message": error.message, "hint": error.hint},
            "partial": listener.partial,
        }
    compare(runtime, counted, finished.stats.prompt_tokens)
    stats = finished.stats
    if not stats.prompt_tokens:  # a server that tells nothing of it
        stats = replace(stats, prompt_tokens=counted)
    call: Call = {"node": "executor", **asdict(stats)}  # type: ignore[typeddict-item]
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


def _answered(attempt: Attempt, runtime: Runtime[Ports]) -> dict[str, Any]:
    """The answer in words; for garbage none, and a notice."""
    if is_garbage(attempt):
        emit.notice(runtime, attempt["checks"][0]["detail"])
        return {}
    if not attempt["complete"]:
        emit.notice(runtime, "The answer was cut off before its end: it had as many tokens as it may have.")
    return {"answer": _words(attempt["reply"])}


def _sampling(state: AskState, profile: Profile, prompt_tokens: int) -> Sampling:
    """As the profile says, greedy at first. After garbage other dice: hotter, with a penalty on what was just said."""
    number = len(state["attempts"]) + 1
    temperature = profile.temperature if number == 1 else profile.retry_temperature
    penalty = profile.repeat_penalty
    if state["attempts"] and is_garbage(state["attempts"][-1]):
        temperature, penalty = max(temperature, GARBAGE_TEMPERATURE), max(penalty, GARBAGE_PENALTY)
    return Sampling(
        max_tokens=reply_cap(state["room"], prompt_tokens),
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

    Where that leaves the reply too little room, the complaint goes without the reply, or the retry without either.
    Garbage is not shown to the model again: it would go on with it.
    """
    messages = _from_plain(state["messages"])
    worthy = [attempt for attempt in state["attempts"] if not is_garbage(attempt)]
    if not worthy:
        return messages
    last = worthy[-1]
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


async def _consume(
    stream: AsyncIterator[StreamEvent], listener: Listener, hear: Callable[[StreamEvent], None]
) -> Finished:
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            hear(event)
            if isinstance(event, Finished):
                return event
            if stopped := listener.stopped():
                return stopped  # which closes the stream, and so the connection
    raise ModelOutputInvalidError("The model's reply did not end.", hint="Ask again.", partial=listener.reply)
