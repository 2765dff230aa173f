"""executor: asks the model once and keeps its reply, raw, whatever it is.

It judges nothing. A stop or a failing server ends the attempt, not the run, where an earlier attempt can be offered.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.again import DOING, asked, sampling_for
from vivek.agent.architect import concerned
from vivek.agent.counted import compare
from vivek.agent.listener import Listener, is_garbage
from vivek.agent.replies import Replies
from vivek.agent.state import AskState, Attempt, Call, Ports
from vivek.errors import ModelOutputInvalidError, RunStoppedError, VivekError
from vivek.llm.base import (
    Finished,
    StreamEvent,
)

_THOUGHTS = re.compile(r"<think>.*?</think>", re.DOTALL)


def executor(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """One model call; adds an attempt, or `stopped` and what was written until then.

    Raises VivekError where the call fails and no earlier attempt can be offered; its raw reply goes along.
    """
    ports = runtime.context
    attempts = state["attempts"]
    number = len(attempts) + 1
    question = asked(state, ports)
    detail = DOING[question.question]
    emit.executing(runtime, detail, number, route=state["route"], target=state["target"])
    messages = question.messages
    counted = ports.counter.count_messages(messages)
    sampling = sampling_for(question, state, ports.profile, counted)
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
        "anew": question.question == "anew",
    }
    update: dict[str, Any] = {"attempts": [*attempts, attempt], "calls": [*state["calls"], call]}
    if state["route"] == "answer":
        update |= _answered(attempt, runtime, number)
    return update


def _answered(attempt: Attempt, runtime: Runtime[Ports], number: int) -> dict[str, Any]:
    """The answer in words; for garbage none, and a notice."""
    if is_garbage(attempt):
        emit.notice(runtime, attempt["checks"][0]["detail"])
        return {}
    if not attempt["complete"]:
        emit.notice(runtime, "The answer was cut off before its end: it had as many tokens as it may have.")
    words = _words(attempt["reply"])
    more = concerned(words, runtime.context.request)
    if more:
        emit.text(runtime, "executor", more, number)
    return {"answer": words + more}


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
