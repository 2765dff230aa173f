"""One run of the graph: events as they come, the result at the end, and what the conversation keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Any, TypedDict, cast

from vivek.agent.conversation import history, remember
from vivek.agent.graph import build
from vivek.agent.mode import mode_of
from vivek.agent.opinions import VERDICT
from vivek.agent.proposed import ProposedFile, proposed_file
from vivek.agent.state import AskState, Call, Event, HistoryEntry, PlainCheck, Ports, Route, fresh_state
from vivek.agent.store import Store
from vivek.errors import ConversationError
from vivek.modes import Mode
from vivek.request import AskRequest


class Stats(TypedDict):
    """Totals of a run. tokens: generated; tokens_per_second: of decoding, prefill left out."""

    prompt_tokens: int
    tokens: int
    tokens_per_second: float
    seconds: float


class AskResult(TypedDict):
    """What a run came to, as plain data: the payload of the `done` event and of ``vivek ask --json``.

    test_file: where the answer is tests, the change that puts them into the project's own file of tests.
    """

    mode: Mode
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
    test_file: ProposedFile | None


def ask(ports: Ports, store: Store | None, thread: str, listen: Callable[[Event], None]) -> AskResult:
    """Run the graph for one ask. `store` None: nothing is remembered.

    The model is told the conversation as it stands when the run begins, whatever other runs are at work on it.
    Raises VivekError where nothing usable came.
    """
    began = monotonic()
    profile, news = ports.record.adapted(ports.info, ports.profile)
    if news:
        listen({"kind": "notice", "run": ports.request.run, "text": news})
    ports = replace(ports, profile=profile)
    earlier = history(store, thread) if store else []
    state: AskState | None = None
    try:
        for mode, chunk in build(None).stream(
            fresh_state(ports.request.run, earlier), context=ports, stream_mode=["custom", "values"]
        ):
            if mode == "custom":
                listen(cast(Event, chunk))
            else:
                state = cast(AskState, chunk)
    finally:  # an ask whose every attempt was useless ends in an error, and counts most
        if state is not None:
            ports.record.add(ports.info, _failed(state))
    assert state is not None, "the graph yields its state at least once"
    unsaved = _remembered(store, thread, state, ports.request.instruction) if store else ""
    return _result(state, ports.request, thread, monotonic() - began, unsaved)


def _remembered(store: Store, thread: str, state: AskState, instruction: str) -> str:
    """Leave the run in its conversation; what to tell where that fails, for the answer must not be lost with it."""
    outcome = "pending" if state["edits"] else "answered" if state["answer"] else "stopped"
    entry: HistoryEntry = {"run": state["run"], "instruction": instruction, "outcome": outcome}
    try:
        remember(store, thread, state, entry)
    except ConversationError as error:
        return f"This ask is not remembered. {error}"
    return ""


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


def _result(state: AskState, request: AskRequest, thread: str, seconds: float, unsaved: str) -> AskResult:
    best = state["attempts"][state["best"]] if state["best"] >= 0 else None
    failure = state["failure"]
    return {
        "mode": mode_of(request),
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
        "test_file": proposed_file(request, best) if best and state["route"] == "tests" else None,
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
