"""formatter: turns the best attempt into text edits against the document as it was.

It changes no text; whoever listens applies the edits.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.listener import is_garbage
from vivek.agent.reviewer import assembled
from vivek.agent.sdet import answer_of
from vivek.agent.state import AskState, Ports
from vivek.edits.diff import text_edits
from vivek.errors import ModelOutputInvalidError

ANEW = "The body was written anew from its description, without a look at the old one: compare the two."


def formatter(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Fill in the edits, or the answer that tests are told as.

    Raises ModelOutputInvalidError where no attempt holds code or changes anything."""
    edits: list[dict[str, Any]] = []
    if state["route"] == "tests" and state["best"] >= 0:
        return {"answer": answer_of(runtime.context.request, state["attempts"][state["best"]])}
    if state["route"] != "answer" and state["best"] >= 0:
        emit.node(runtime, "formatter", "making hunks", state["best"] + 1)
        edits = _edits(state, runtime.context)
        if state["attempts"][state["best"]].get("anew"):
            emit.notice(runtime, ANEW)
    if not edits and not state["answer"] and not state["stopped"]:
        raise _nothing_usable(state)
    return {"edits": edits}


def _edits(state: AskState, ports: Ports) -> list[dict[str, Any]]:
    after = assembled(ports.request, state, state["attempts"][state["best"]])
    return [] if after is None else [dict(edit) for edit in text_edits(ports.request.base, after.text)]


def _nothing_usable(state: AskState) -> ModelOutputInvalidError:
    """Why there is nothing to offer; the last raw reply goes along."""
    reply = state["attempts"][-1]["reply"] if state["attempts"] else state["partial"]
    if state["best"] >= 0:
        return ModelOutputInvalidError(
            "The model gave the code back unchanged.",
            hint="Say more exactly what to change, select fewer lines, or try a larger model.",
            partial=reply,
        )
    if state["attempts"] and is_garbage(state["attempts"][-1]):
        return ModelOutputInvalidError(
            state["attempts"][-1]["checks"][0]["detail"],
            hint="Ask again in other words, or try a larger model; the reply stays readable.",
            partial=reply,
        )
    return ModelOutputInvalidError(
        "The model's reply holds no code.",
        hint="Ask again in other words, or try a larger model; the reply stays readable.",
        partial=reply,
    )
