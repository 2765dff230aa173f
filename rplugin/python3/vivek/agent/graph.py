"""The graph: planner -> executor <-> reviewer -> formatter, and nothing but its wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from vivek.agent.executor import executor
from vivek.agent.formatter import formatter
from vivek.agent.planner import planner
from vivek.agent.reviewer import enough, reviewer
from vivek.agent.state import AskState, Ports

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    AskGraph = CompiledStateGraph[AskState, Ports, AskState, AskState]


def build(checkpointer: BaseCheckpointSaver[Any] | None) -> AskGraph:
    """The compiled graph. Without a checkpointer nothing is kept."""
    graph = StateGraph(AskState, context_schema=Ports)
    graph.add_node("planner", planner)
    graph.add_node("executor", executor)
    graph.add_node("reviewer", reviewer)
    graph.add_node("formatter", formatter)
    graph.add_edge(START, "planner")
    graph.add_conditional_edges("planner", _after_planner)
    graph.add_conditional_edges("executor", _after_executor)
    graph.add_conditional_edges("reviewer", _after_reviewer)
    graph.add_edge("formatter", END)
    return graph.compile(checkpointer=checkpointer)


def _after_planner(state: AskState) -> Literal["executor", "formatter"]:
    return "formatter" if state["stopped"] else "executor"


def _after_executor(state: AskState, runtime: Runtime[Ports]) -> Literal["executor", "reviewer", "formatter"]:
    """Words are not reviewed, but asked for again where garbage came; a stop or a failure leaves no new attempt."""
    if state["stopped"] or state["failure"]:
        return "formatter"
    if state["route"] != "answer":
        return "reviewer"
    last = len(state["attempts"]) >= runtime.context.profile.iterations
    return "formatter" if state["answer"] or last else "executor"


def _after_reviewer(state: AskState, runtime: Runtime[Ports]) -> Literal["executor", "formatter"]:
    return "formatter" if enough(state, runtime.context.profile.iterations) else "executor"
