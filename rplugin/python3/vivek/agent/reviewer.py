"""reviewer: judges the last attempt by checks of the text, and picks the best so far.

Facts before opinions: it compares the document before and after. A model is asked only where the checks let the edit
pass and the model's profile says so, and what it says cannot sink the edit alone. (A small model's verdict on its own
work is near to chance.)
"""

from __future__ import annotations

import textwrap
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit, sdet
from vivek.agent.assemble import Assembled, assemble, lines_of
from vivek.agent.evidence import EXAMPLES, TESTS, evidence
from vivek.agent.listener import is_garbage
from vivek.agent.mode import mode_of
from vivek.agent.opinions import judged as verdict_on
from vivek.agent.state import AskState, Attempt, Call, PlainCheck, Ports
from vivek.checks.static import Check, review, score
from vivek.checks.written import check_has_tests
from vivek.edits.reply import extract
from vivek.errors import RunStoppedError
from vivek.llm.base import Message
from vivek.request import AskRequest

THRESHOLD = 0.6
"""Below this score the executor is asked again with the concrete complaint."""

CUT_OFF_WEIGHT = 0.8
"""What a reply that the token cap cut off loses: as much as one that does not parse."""


_NO_CODE: PlainCheck = {
    "name": "has code",
    "passed": False,
    "detail": "The reply holds no code block: write the complete code in one fenced block.",
}

VERIFIED_ATTEMPTS = 6
"""Attempts in all where running them tells the right one from the wrong."""


def reviewer(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Score the last attempt; `best` is the index of the best usable one, -1 where none is."""
    number = len(state["attempts"])
    emit.node(runtime, "reviewer", "checking the code", number)
    judged = judge(runtime.context.request, state, state["attempts"][-1])
    try:
        judged = _run(runtime, state, judged)
    except RunStoppedError:
        return {"stopped": True, **_with(state, judged)}
    calls: list[Call] = []
    if runtime.context.profile.verdict and judged["score"] >= THRESHOLD and state["route"] != "tests":
        judged, calls = _with_verdict(state, runtime, judged)
    failed = [check["detail"] for check in judged["checks"] if not check["passed"]]
    if failed:
        emit.notice(runtime, " ".join(failed))
    return {
        **_with(state, judged),
        "calls": [*state["calls"], *calls],
        "stopped": state["stopped"] or runtime.context.cancel.cancelled,
    }


def _with(state: AskState, judged: Attempt) -> dict[str, Any]:
    """The last attempt as it was judged, and which one is the best by now: of equals the first."""
    attempts = [*state["attempts"][:-1], judged]
    usable = [index for index, attempt in enumerate(attempts) if attempt["usable"]]
    best = max(usable, key=lambda index: attempts[index]["score"], default=-1)
    return {"attempts": attempts, "best": best}


def _run(runtime: Runtime[Ports], state: AskState, attempt: Attempt) -> Attempt:
    """The attempt with what running it says, where it is sound enough to be run. Raises RunStoppedError."""
    ports = runtime.context
    if ports.verifier is None or attempt["score"] < THRESHOLD:
        return attempt
    emit.progress(runtime, "running")
    if state["route"] == "tests":
        attempt, checks = sdet.tried(ports, state["target"], attempt)
    else:
        after = assembled(ports.request, state, attempt)
        checks = evidence(ports, state["target"], after) if after else []
    lost = sum(check.weight for check in checks if not check.passed)
    lowered = round(max(0.0, attempt["score"] - lost), 3)
    return {**attempt, "score": lowered, "checks": [*attempt["checks"], *map(_plain, checks)]}


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
    if state["route"] == "tests":
        return _judged_tests(request, state, attempt)
    after = assembled(request, state, attempt)
    if after is None:
        return {**attempt, "usable": False, "score": 0.0, "checks": [_NO_CODE]}
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
    if mode_of(request) == "sdet" and state["route"] == "insert":
        written = lines_of(after.text, {"first": after.first, "last": after.last, "name": ""})
        checks.append(check_has_tests(textwrap.dedent(written), request.filetype))
    return _scored(attempt, checks)


def _judged_tests(request: AskRequest, state: AskState, attempt: Attempt) -> Attempt:
    """The attempt with the tests that it holds, and what their text says."""
    tests = sdet.tests_of(request, state["target"], attempt["reply"])
    if not tests:
        return {**attempt, "usable": False, "score": 0.0, "checks": [_NO_CODE]}
    return _scored({**attempt, "tests": tests}, sdet.checked(request, state["target"], tests))


def _scored(attempt: Attempt, checks: list[Check]) -> Attempt:
    if not attempt["complete"]:
        checks = [*checks, Check("complete", False, "The reply was cut off before its end.", CUT_OFF_WEIGHT)]
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
    """Whether the loop ends: stopped, failed, answered in words, good enough, or out of so many attempts.

    An attempt that was run and failed is worth more of them than a fault of form: what comes of the next is known, not
    guessed.
    """
    if state["stopped"] or state["failure"] or state["route"] == "answer":
        return True
    was_run = any(
        check["name"] in (EXAMPLES, TESTS) for attempt in state["attempts"] for check in attempt["checks"]
    )
    most = max(iterations, VERIFIED_ATTEMPTS) if was_run and iterations > 1 else iterations
    return state["attempts"][-1]["score"] >= THRESHOLD or len(state["attempts"]) >= most


def _plain(check: Check) -> PlainCheck:
    return {"name": check.name, "passed": check.passed, "detail": check.detail}
