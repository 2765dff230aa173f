"""A conversation: what a run is told of it when it begins, and what the run leaves there when it has ended.

A conversation is a LangGraph thread. Several runs may be about the same one at once, so none works on the thread
itself, where the last to end would undo what the others left: each ended run is put on top of what stands there by
then, and so is what became of its hunks. Each is one transaction, so that runs of other editors do not come between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.runnables import RunnableConfig

from vivek.agent.graph import build
from vivek.agent.history import outcome_of, remembered, with_outcome
from vivek.agent.state import AskState, HistoryEntry
from vivek.agent.store import Store, told

if TYPE_CHECKING:
    from vivek.agent.graph import AskGraph


def history(store: Store, thread: str) -> list[HistoryEntry]:
    """What a conversation has come to by now, in the order in which its runs ended. Raises ConversationError."""
    with told(store.path):
        return _history(build(store.saver), thread)


def remember(store: Store, thread: str, state: AskState, entry: HistoryEntry) -> None:
    """Make the state in which a run ended the thread's newest checkpoint, and its entry the last of the history.

    Raises ConversationError.
    """
    graph = build(store.saver)
    with told(store.path), store.alone():
        _put(graph, thread, {**state, "history": remembered(_history(graph, thread), entry)})


def record_outcome(store: Store, thread: str, run: str, *, applied: int, rejected: int, pending: int) -> None:
    """Note in a conversation what became of a proposal's hunks; nothing where it knows no such run.

    Raises ConversationError.
    """
    graph = build(store.saver)
    with told(store.path), store.alone():
        before = _history(graph, thread)
        changed = with_outcome(before, run, outcome_of(applied, rejected, pending))
        if changed != before:
            _put(graph, thread, {"history": changed})


def _history(graph: AskGraph, thread: str) -> list[HistoryEntry]:
    entries: list[HistoryEntry] = graph.get_state(_config(thread)).values.get("history", [])
    return entries


def _put(graph: AskGraph, thread: str, values: dict[str, object]) -> None:
    graph.update_state(_config(thread), values, as_node="formatter")


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}
