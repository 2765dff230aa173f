"""reviewer: judges the last attempt by checks of the text, and picks the best so far.

Facts before opinions: it compares the document before and after, and asks no model. (A model's verdict on its own
work is near to chance at this size.)
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.assemble import assemble
from vivek.agent.state import AskState, Attempt, PlainCheck, Ports
from vivek.checks.static import Check, review, score
from vivek.edits.reply import extract
from vivek.request import AskRequest

THRESHOLD = 0.6
"""Below this score the executor is asked again with the concrete complaint."""

ITERATIONS = 3
"""At most this many attempts in all."""


def reviewer(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Score the last attempt; `best` is the index of the best usable one, -1 where none is."""
    number = len(state["attempts"])
    emit.node(runtime, "reviewer", "checking the code", number)
    judged = judge(runtime.context.request, state, state["attempts"][-1])
    attempts = [*state["attempts"][:-1], judged]
    usable = [index for index, attempt in enumerate(attempts) if attempt["usable"]]
    best = max(usable, key=lambda index: attempts[index]["score"], default=-1)
    failed = [check["detail"] for check in judged["checks"] if not check["passed"]]
    if failed:
        emit.notice(runtime, " ".join(failed))
    return {"attempts": attempts, "best": best, "stopped": state["stopped"] or runtime.context.cancel.cancelled}


def judge(request: AskRequest, state: AskState, attempt: Attempt) -> Attempt:
    """The attempt with its checks and score."""
    reply = extract(attempt["reply"], request.filetype)
    if reply.code is None or not reply.code.strip():
        check: PlainCheck = {
            "name": "has code",
            "passed": False,
            "detail": "The reply holds no code block: write the complete code in one fenced block.",
        }
        return {**attempt, "usable": False, "score": 0.0, "checks": [check]}
    target = state["target"]
    after = assemble(request.text, target, reply.code, route=state["route"], filetype=request.filetype)
    checks = review(
        request.text,
        after.text,
        filetype=request.filetype,
        first=target["first"],
        last=target["last"],
        after_last=after.last,
        after_first=after.first,
        instruction=request.instruction,
    )
    if not attempt["complete"]:
        checks.append(Check("complete", False, "The reply was cut off before its end.", 1.0))
    return {**attempt, "usable": True, "score": score(checks), "checks": [_plain(check) for check in checks]}


def enough(state: AskState) -> bool:
    """Whether the loop ends: stopped, failed, answered in words, good enough, or out of attempts."""
    if state["stopped"] or state["failure"] or state["route"] == "answer":
        return True
    return state["attempts"][-1]["score"] >= THRESHOLD or len(state["attempts"]) >= ITERATIONS


def _plain(check: Check) -> PlainCheck:
    return {"name": check.name, "passed": check.passed, "detail": check.detail}
