"""Events that the nodes send while they work, through LangGraph's stream writer.

One function an event, so that its fields are named in one place (``lua/vivek/ask.lua`` and the command line read them).
"""

from __future__ import annotations

from typing import Any, Literal

from langgraph.runtime import Runtime

from vivek.agent.state import Node, Ports

Phase = Literal["loading", "reading", "writing"]


def node(runtime: Runtime[Ports], name: Node, detail: str, attempt: int = 1) -> None:
    """A node begins."""
    _send(runtime, kind="node", node=name, detail=detail, attempt=attempt)


def notice(runtime: Runtime[Ports], text: str) -> None:
    """A sentence for the user: what went another way than expected."""
    _send(runtime, kind="notice", text=text)


def prompt(runtime: Runtime[Ports], text: str, *, whole: bool) -> None:
    """One line on what the model is sent. whole: nothing was cut or left out."""
    _send(runtime, kind="prompt", text=text, whole=whole)


def text(runtime: Runtime[Ports], name: Node, piece: str, attempt: int) -> None:
    """A piece of the model's raw reply."""
    _send(runtime, kind="text", node=name, text=piece, attempt=attempt)


def progress(
    runtime: Runtime[Ports],
    phase: Phase,
    *,
    done: int = 0,
    total: int = 0,
    tokens: int = 0,
    tokens_per_second: float = 0.0,
) -> None:
    """How far a call is. done, total: prompt tokens while reading. tokens: generated so far, while writing."""
    counts = {"done": done, "total": total, "tokens": tokens, "tokens_per_second": tokens_per_second}
    _send(runtime, kind="progress", phase=phase, **counts)


def _send(runtime: Runtime[Ports], **event: Any) -> None:
    runtime.stream_writer({**event, "run": runtime.context.request.run})
