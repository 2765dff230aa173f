"""One run of the graph: events as they come, the result at the end, and the thread that remembers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypedDict, cast

from langchain_core.runnables import RunnableConfig

from vivek.agent.graph import build
from vivek.agent.history import outcome_of, with_outcome
from vivek.agent.opinions import VERDICT
from vivek.agent.state import AskState, Call, Event, PlainCheck, Ports, Route, fresh_state
from vivek.agent.store import Store, told

if TYPE_CHECKING:
    from vivek.agent.graph import AskGraph


class Stats(TypedDict):
    """Totals of a run. tokens: generated; tokens_per_second: of decoding, prefill left out."""

    prompt_tokens: int
    tokens: int
    tokens_per_second: float
    seconds: float


class AskResult(TypedDict):
    """What a run came to, as plain data: the payload of the `done` event and of ``vivek ask --json``."""

    route: Route
    edits: list[dict[str, Any]]
    answer: str
    target: dict[str, int]
    score: float
    checks: list[PlainCheck]
    iterations: int
    calls: list[Call]
    stopped: bool
    partial: str
    warning: str
    stats: Stats
    thread: str


def ask(ports: Ports, store: Store | None, thread: str, listen: Callable[[Event], None]) -> AskResult:
    """Run the graph for one ask. `store` None: nothing is remembered.

    Raises VivekError where nothing usable came.
    """
    began = monotonic()
    profile, news = ports.record.adapted(ports.info, ports.profile)
    if news:
        listen({"kind": "notice", "run": ports.request.run, "text": news})
    ports = replace(ports, profile=profile)
    graph = build(store.saver if store else None)
    state: AskState | None = None
    try:
        with told(store.path if store else Path(":memory:")):
            for mode, chunk in graph.stream(
                cast(AskState, fresh_state(ports.request.run)),
                _config(thread),
                context=ports,
                stream_mode=["custom", "values"],
                durability="exit" if store else None,
            ):
                if mode == "custom":
                    listen(cast(Event, chunk))
                else:
                    state = cast(AskState, chunk)
    finally:  # an ask whose every attempt was useless ends in an error, and counts most
        if state is not None:
            ports.record.add(ports.info, _failed(state))
    assert state is not None, "the graph yields its state at least once"
    unsaved = store.unsaved(thread) if store else None
    return _result(
        state, thread, monotonic() - began, f"This ask is not remembered. {unsaved}" if unsaved else ""
    )


def _failed(state: AskState) -> list[list[str]]:
    """The names of the checks that each reviewed attempt failed; none where the run was cut short. A model's opinion of
    itself is no check."""
    if state["stopped"] or state["failure"]:
        return []
    return [
        [check["name"] for check in attempt["checks"] if not check["passed"] and check["name"] != VERDICT]
        for attempt in state["attempts"]
        if attempt["checks"]
    ]


def record_outcome(store: Store, thread: str, run: str, *, applied: int, rejected: int, pending: int) -> None:
    """Note in a conversation what became of a proposal's hunks. Raises ConversationError."""
    graph = build(store.saver)
    with told(store.path):
        _remember_outcome(graph, thread, run, outcome_of(applied, rejected, pending))
    if unsaved := store.unsaved(thread):
        raise unsaved


def _remember_outcome(graph: AskGraph, thread: str, run: str, outcome: str) -> None:
    history = graph.get_state(_config(thread)).values.get("history", [])
    changed = with_outcome(history, run, outcome)
    if changed != history:
        graph.update_state(_config(thread), {"history": changed}, as_node="formatter")


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


def _result(state: AskState, thread: str, seconds: float, unsaved: str) -> AskResult:
    best = state["attempts"][state["best"]] if state["best"] >= 0 else None
    failure = state["failure"]
    return {
        "route": state["route"],
        "edits": state["edits"],
        "answer": state["answer"],
        "target": {"first": state["target"]["first"], "last": state["target"]["last"]},
        "score": best["score"] if best else float(bool(state["answer"])),
        "checks": best["checks"] if best else [],
        "iterations": len(state["attempts"]),
        "calls": state["calls"],
        "stopped": state["stopped"],
        "partial": state["partial"],
        "warning": f"{failure['message']} {failure['hint']}".strip() if failure else unsaved,
        "stats": _stats(state["calls"], seconds),
        "thread": thread,
    }


def _stats(calls: list[Call], seconds: float) -> Stats:
    tokens = sum(call["generated_tokens"] for call in calls)
    decoding = sum(call["total_ms"] - call["first_token_ms"] for call in calls) / 1000
    return {
        "prompt_tokens": sum(call["prompt_tokens"] for call in calls),
        "tokens": tokens,
        "tokens_per_second": round(tokens / decoding, 1) if decoding > 0 else 0.0,
        "seconds": round(seconds, 2),
    }
