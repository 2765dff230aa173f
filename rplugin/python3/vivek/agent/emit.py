"""Events that the nodes send while they work, through LangGraph's stream writer.

One function an event, so that its fields are named in one place (``lua/vivek/ask.lua`` and the command line read them).
"""

from __future__ import annotations

from typing import Any, Literal

from langgraph.runtime import Runtime

from vivek.agent.state import Node, Ports, Route, Target
from vivek.llm.base import Loading, Queued, Reading, Retrying, StreamEvent

Phase = Literal["queued", "loading", "reading", "writing", "running"]


def node(runtime: Runtime[Ports], name: Node, detail: str, attempt: int = 1) -> None:
    """A node begins."""
    _send(runtime, kind="node", node=name, detail=detail, attempt=attempt)


def executing(runtime: Runtime[Ports], detail: str, attempt: int, *, route: Route, target: Target) -> None:
    """The executor begins. target: the lines that it writes anew, or the place of an insertion, as in the result."""
    lines = {"first": target["first"], "last": target["last"]}
    _send(runtime, kind="node", node="executor", detail=detail, attempt=attempt, route=route, target=lines)


def notice(runtime: Runtime[Ports], text: str) -> None:
    """A sentence for the user: what went another way than expected."""
    _send(runtime, kind="notice", text=text)


def prompt(runtime: Runtime[Ports], text: str, *, whole: bool) -> None:
    """One line on what the model is sent. whole: nothing was cut or left out."""
    _send(runtime, kind="prompt", text=text, whole=whole)


def text(runtime: Runtime[Ports], name: Node, piece: str, attempt: int) -> None:
    """A piece of the model's raw reply."""
    _send(runtime, kind="text", node=name, text=piece, attempt=attempt)


def reply(runtime: Runtime[Ports], name: Node, whole: str, attempt: int) -> None:
    """A call has ended, in whatever way: its raw reply, as far as it came."""
    model = runtime.context.info.name
    _send(runtime, kind="reply", node=name, text=whole, attempt=attempt, model=model)


def progress(
    runtime: Runtime[Ports],
    phase: Phase,
    *,
    ahead: int = 0,
    done: int = 0,
    total: int = 0,
    seconds_left: float | None = None,
    tokens: int = 0,
    tokens_per_second: float = 0.0,
) -> None:
    """How far a call is.

    ahead: calls that come first, while queued. done, total: prompt tokens while reading; seconds_left: an estimate of
    what reading still takes, None where there is none. tokens: generated so far, while writing.
    """
    counts = {"done": done, "total": total, "tokens": tokens, "tokens_per_second": tokens_per_second}
    _send(runtime, kind="progress", phase=phase, ahead=ahead, seconds_left=seconds_left, **counts)


def heard(runtime: Runtime[Ports], event: StreamEvent) -> None:
    """What a call says of itself before its first text; pieces of text and its end are the caller's affair."""
    if isinstance(event, Queued):
        progress(runtime, "queued", ahead=event.ahead)
    elif isinstance(event, Loading):
        progress(runtime, "loading")
    elif isinstance(event, Reading):
        progress(runtime, "reading", done=event.done, total=event.total, seconds_left=event.seconds_left)
    elif isinstance(event, Retrying):
        retry(runtime, event.reason, event.attempt, event.seconds)


def retry(runtime: Runtime[Ports], reason: str, attempt: int, seconds: float) -> None:
    """A call failed in a way that may pass, and is made again in so many seconds; the text so far is void."""
    _send(runtime, kind="retry", reason=reason, attempt=attempt, seconds=seconds)


def _send(runtime: Runtime[Ports], **event: Any) -> None:
    runtime.stream_writer({**event, "run": runtime.context.request.run})
