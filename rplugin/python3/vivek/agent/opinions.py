"""The two things that a model may be asked about its own work: what a request means, and what it thinks of its edit.

Both are short questions at the end of a prompt that the server has in its cache, and both answers are advice: the first
settles only what the instruction's words leave open, the second cannot sink an edit by itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from langgraph.runtime import Runtime
from pydantic import BaseModel, BeforeValidator, Field

from vivek.agent import emit
from vivek.agent.consult import Consulted, consult, with_task
from vivek.agent.mode import task_in
from vivek.agent.state import Attempt, Ports, Route, Target
from vivek.checks.edit import Check
from vivek.edits.fit import presentable
from vivek.llm.base import Message
from vivek.prompts import render
from vivek.request import AskRequest

PLAN_TOKENS = 24
"""Cap on the planner's answer; ``{"kind": "change"}`` has 7."""

PROBLEM_CHARACTERS = 120
"""Cap on what a verdict says of a problem; a 0.5B goes on about code that it finds right, too (measured)."""

VERDICT_TOKENS = 60
"""Cap on the verdict: its own 15 or so, and 120 characters of English in about 30."""

VERDICT_WEIGHT = 0.15
"""What an edit that the model itself calls wrong loses: a clean one keeps 0.85, one with a strange size (0.2) 0.65, so
that no verdict brings an edit below the threshold of 0.6 alone."""

VERDICT = "model's verdict"
"""The verdict's name among the checks."""


def _word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _short(value: object) -> object:
    return value[:PROBLEM_CHARACTERS] if isinstance(value, str) else value


class Plan(BaseModel):
    """What a request asks for."""

    kind: Annotated[Literal["change", "new", "words"], BeforeValidator(_word)]


class Verdict(BaseModel):
    """What a model thinks of an edit. problem: a few words, "" where it finds none."""

    verdict: Annotated[Literal["right", "wrong"], BeforeValidator(_word)]
    problem: Annotated[str, BeforeValidator(_short), Field(max_length=PROBLEM_CHARACTERS)] = ""


_KINDS: dict[Route, Literal["change", "new", "words"]] = {  # those that words can leave open
    "rewrite": "change",
    "insert": "new",
    "answer": "words",
}
_ROUTES = {kind: route for route, kind in _KINDS.items()}


def task(request: AskRequest, route: Route, target: Target, *, plain: bool) -> str:
    """The end of an executor's prompt: the instruction and what to reply. plain: the shortest one that there is."""
    return task_in(request, route, target, instruction(request), plain=plain)


def instruction(request: AskRequest) -> str:
    """The instruction as a model gets it."""
    return presentable(request.instruction.strip())


def planned(
    runtime: Runtime[Ports], messages: list[Message], route: Route, target: Target, usable: int
) -> Consulted[Plan]:
    """What the model takes the instruction for. messages: the executor's prompt under `route`, the rule's own guess.

    usable: tokens that prompt and reply share.
    """
    request = runtime.context.request
    emit.node(runtime, "planner", "asking the model what the instruction means")
    given = task(request, route, target, plain=runtime.context.profile.plain)
    asked = with_task(messages, given, render("plan", instruction=instruction(request)))
    fallback = Plan(kind=_KINDS[route])
    return consult(runtime, "planner", asked, fallback, attempt=1, max_tokens=PLAN_TOKENS, usable=usable)


def route_of(plan: Plan, *, bounded: bool) -> Route:
    """The route that a plan means. New code asked for on a selection stays within it."""
    route = _ROUTES[plan.kind]
    return "rewrite" if bounded and route == "insert" else route


def judged(
    runtime: Runtime[Ports], messages: list[Message], attempt: Attempt, number: int, usable: int
) -> tuple[Consulted[Verdict], Check | None]:
    """The model's verdict on attempt `number`, and the check that it makes; None where the model gave none.

    messages: the executor's first prompt, so that all before the question stays cached. usable: tokens that prompt and
    reply share.
    """
    request = runtime.context.request
    emit.node(runtime, "reviewer", "asking the model for its verdict", number)
    question = Message("user", render("verdict", instruction=instruction(request)))
    asked = [*messages, Message("assistant", attempt["reply"]), question]
    fallback = Verdict(verdict="right", problem="")
    answer = consult(
        runtime, "reviewer", asked, fallback, attempt=number, max_tokens=VERDICT_TOKENS, usable=usable
    )
    if answer.step in (None, "fallback"):
        return answer, None
    passed = answer.value.verdict == "right"
    problem = answer.value.problem.strip().rstrip(".") or "it does not say why"
    detail = "" if passed else f"The model doubts its own edit: {problem}."
    return answer, Check(VERDICT, passed, detail, VERDICT_WEIGHT)
