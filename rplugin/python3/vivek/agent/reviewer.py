"""reviewer: judges the last attempt by checks of the text, and picks the best so far.

Facts before opinions: it compares the document before and after. A model is asked only where the checks let the edit
pass and the model's profile says so, and what it says cannot sink the edit alone. (A small model's verdict on its own
work is near to chance.)
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.assemble import Assembled, assemble, lines_of
from vivek.agent.listener import is_garbage
from vivek.agent.opinions import judged as verdict_on
from vivek.agent.state import AskState, Attempt, Call, PlainCheck, Ports
from vivek.checks.static import Check, review, score
from vivek.edits.reply import extract
from vivek.llm.base import Message
from vivek.request import AskRequest

THRESHOLD = 0.6
"""Below this score the executor is asked again with the concrete complaint."""

CUT_OFF_WEIGHT = 0.8
"""What a reply that the token cap cut off loses: as much as one that does not parse."""


def reviewer(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Score the last attempt; `best` is the index of the best usable one, -1 where none is."""
    number = len(state["attempts"])
    emit.node(runtime, "reviewer", "checking the code", number)
    judged = judge(runtime.context.request, state, state["attempts"][-1])
    calls: list[Call] = []
    if runtime.context.profile.verdict and judged["score"] >= THRESHOLD:
        judged, calls = _with_verdict(state, runtime, judged)
    attempts = [*state["attempts"][:-1], judged]
    usable = [index for index, attempt in enumerate(attempts) if attempt["usable"]]
    best = max(usable, key=lambda index: attempts[index]["score"], default=-1)
    failed = [check["detail"] for check in judged["checks"] if not check["passed"]]
    if failed:
        emit.notice(runtime, " ".join(failed))
    return {
        "attempts": attempts,
        "best": best,
        "calls": [*state["calls"], *calls],
        "stopped": state["stopped"] or runtime.context.cancel.cancelled,
    }


def _with_verdict(state: AskState, runtime: Runtime[Ports], attempt: Attempt) -> tuple[Attempt, list[Call]]:
    """The attempt with the model's own verdict among its checks, and the calls that it took."""
    messages = [Message(**message) for message in state["messages"]]
    answer, check = verdict_on(runtime, messages, attempt, len(state["attempts"]), state["room"]["usable"])
    if check is None:
        return attempt, answer.calls
    lowered = attempt["score"] if check.passed else round(max(0.0, attempt["score"] - check.weight), 3)
    return {**attempt, "score": lowered, "checks": [*attempt["checks"], _plain(check)]}, answer.calls


def judge(request: AskRequest, state: AskState, attempt: Attempt) -> Attempt:
    """The attempt with its checks and score; garbage, which the executor has judged, as it is."""
    if is_garbage(attempt):
        return attempt
    after = assembled(request, state, attempt)
    if after is None:
        check: PlainCheck = {
            "name": "has code",
            "passed": False,
            "detail": "The reply holds no code block: write the complete code in one fenced block.",
        }
        return {**attempt, "usable": False, "score": 0.0, "checks": [check]}
    checks = review(
        request.text,
        after.text,
        filetype=request.filetype,
        first=state["target"]["first"],
        last=state["target"]["last"],
        after_first=after.first,
        after_last=after.last,
        instruction=request.instruction,
    )
    if not attempt["complete"]:
        checks.append(Check("complete", False, "The reply was cut off before its end.", CUT_OFF_WEIGHT))
    return {**attempt, "usable": True, "score": score(checks), "checks": [_plain(check) for check in checks]}


def assembled(request: AskRequest, state: AskState, attempt: Attempt) -> Assembled | None:
    """The document with an attempt's code in it; None where the attempt holds no code."""
    target = state["target"]
    reply = extract(attempt["reply"], request.filetype, old=lines_of(request.text, target))
    if reply.code is None or not reply.code.strip():
        return None
    return assemble(
        request.text,
        target,
        reply.code,
        route=state["route"],
        filetype=request.filetype,
        instruction=request.instruction,
    )


def enough(state: AskState, iterations: int) -> bool:
    """Whether the loop ends: stopped, failed, answered in words, good enough, or out of so many attempts."""
    if state["stopped"] or state["failure"] or state["route"] == "answer":
        return True
    return state["attempts"][-1]["score"] >= THRESHOLD or len(state["attempts"]) >= iterations


def _plain(check: Check) -> PlainCheck:
    return {"name": check.name, "passed": check.passed, "detail": check.detail}
