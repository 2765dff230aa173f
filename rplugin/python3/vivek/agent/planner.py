"""planner: decides the kind of work and the target, gathers the facts that help, and writes the prompt.

Deterministic first: the instruction's words, tree-sitter, jedi and the token counter settle it. A model is asked only
where the words leave the kind of work open and the model's profile says that its answer is worth the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.budget import room_for, usable_of, window_for
from vivek.agent.evidence import failures_now
from vivek.agent.fault import wants_repair
from vivek.agent.history import HISTORY_TOKENS, history_parts
from vivek.agent.mode import asked_about, mode_of, route_in
from vivek.agent.opinions import planned, route_of
from vivek.agent.prompt import FAILURES, Prompt, told
from vivek.agent.route import is_open
from vivek.agent.state import AskState, Ports, Room, Route, Target
from vivek.agent.surroundings import outline, surroundings
from vivek.agent.target import find_target, insertion_point
from vivek.checks.facts import facts
from vivek.context.packer import Part
from vivek.context.symbols import Symbol
from vivek.edits.fit import presentable
from vivek.errors import ContextWindowExceededError, RequestError, RunStoppedError
from vivek.llm.base import Message
from vivek.modes import Mode
from vivek.request import AskRequest, line_count

_VERBS: dict[Route, str] = {
    "rewrite": "rewriting",
    "answer": "explaining",
    "tests": "writing tests for",
}


def planner(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Fill in route, target, room and messages. Raises RequestError and ContextWindowExceededError."""
    ports = runtime.context
    if ports.cancel.cancelled:
        return {"stopped": True}
    route, open_ = _route(ports.request)
    update = _written(state, runtime, route, ports.info.context_window)
    if update["stopped"] or not (open_ and ports.profile.plan):
        return update
    room: Room = update["room"]
    plan = planned(
        runtime,
        [Message(**message) for message in update["messages"]],
        route,
        update["target"],
        room["usable"],
    )
    decided = route_of(plan.value, bounded=ports.request.first is not None)
    if decided != route and not plan.stopped:
        update = _written(state, runtime, decided, room["window"])
    return {**update, "calls": [*state["calls"], *plan.calls], "stopped": plan.stopped or update["stopped"]}


def _written(state: AskState, runtime: Runtime[Ports], route: Route, window: int) -> dict[str, Any]:
    """The prompt for a route, and what belongs to it. window: the one that the model is loaded with."""
    ports = runtime.context
    target = _target(ports.request, route)
    emit.node(runtime, "planner", _detail(mode_of(ports.request), route, target))
    prompt = Prompt(ports.request, route, target, ports.counter, ports.profile.plain)
    try:
        window = _window(prompt, runtime, window)
    except RunStoppedError:
        return {"stopped": True, "route": route, "target": target}
    room = room_for(route, prompt.block_tokens, window, exact=ports.counter.exact)
    try:
        notes = [*_history(state, prompt), *_failures(runtime, route, target)]
    except RunStoppedError:
        return {"stopped": True, "route": route, "target": target}
    fitted = prompt.fitted(_facts(ports, route, target), notes, room)
    emit.prompt(runtime, told(fitted, window), whole=not (fitted.packed.cut or fitted.packed.dropped))
    return {
        "route": route,
        "target": target,
        "room": room,
        "messages": [{"role": message.role, "content": message.content} for message in fitted.messages],
        "stopped": ports.cancel.cancelled,
    }


def _route(request: AskRequest) -> tuple[Route, bool]:
    """The route that the mode implies or the instruction's words choose, and whether they left it open."""
    mode = mode_of(request)
    open_ = mode == "coder" and is_open(request.instruction, asked_about(request))
    return route_in(mode, request), open_


def _target(request: AskRequest, route: Route) -> Target:
    """The lines for a route. New code has no target to find, only a place to go."""
    if route == "insert":
        return insertion_point(request)
    if route == "answer" and not request.text.strip():
        return {"first": 1, "last": 0, "name": ""}
    try:
        return find_target(request)
    except RequestError:
        if mode_of(request) != "architect":
            raise
        return {"first": 1, "last": 0, "name": ""}  # a plan can be made from the outline alone


def _detail(mode: Mode, route: Route, target: Target) -> str:
    if route == "insert":
        return f"writing {'tests' if mode == 'sdet' else 'new code'} at line {target['first']}"
    verb = "planning" if mode == "architect" else _VERBS[route]
    if target["last"] < target["first"]:
        return f"{verb} from the outline of the file" if mode == "architect" else verb
    name = f"`{target['name']}`, " if target["name"] else ""
    return f"{verb} {name}lines {target['first']} to {target['last']}"


def _window(prompt: Prompt, runtime: Runtime[Ports], window: int) -> int:
    """The window in which the prompt's required parts fit: the loaded one, or one that is raised for them.

    Raises ContextWindowExceededError with the numbers, RunStoppedError.
    """
    ports = runtime.context
    exact = ports.counter.exact
    least = room_for(prompt.route, prompt.block_tokens, window, exact=exact)["least"]
    # A block that is too large by itself is not counted once more.
    needed = prompt.block_tokens + least
    if needed <= usable_of(window, exact=exact):
        needed = prompt.bare_tokens + least
    if needed <= usable_of(window, exact=exact):
        return window
    emit.progress(runtime, "loading")
    try:
        raised = ports.loop.run(ports.model.widen(window_for(needed, exact=exact)), ports.cancel)
    except ContextWindowExceededError as error:
        raise _too_large(prompt, needed - least, least, usable_of(window, exact=exact), error) from error
    emit.notice(
        runtime,
        f"The context window is raised from {window} to {raised.context_window} tokens, because the code needs it; "
        f"{raised.name} is loaded anew for that.",
    )
    return raised.context_window


def _too_large(
    prompt: Prompt, tokens: int, least: int, usable: int, why: ContextWindowExceededError
) -> ContextWindowExceededError:
    lines = line_count(prompt.block.text)
    what = f"The {lines} lines and the instruction" if lines else "The instruction"
    return ContextWindowExceededError(
        f"{what} take {tokens} tokens and the reply may take {least}, "
        f"but the model's context window holds {usable}. {why.message}",
        hint="Select fewer lines." if lines else "Shorten the instruction.",
    )


def _failures(runtime: Runtime[Ports], route: Route, target: Target) -> list[Part]:
    """What running the code as it is says. Raises RunStoppedError."""
    if runtime.context.verifier is None or route != "rewrite":
        return []
    emit.progress(runtime, "running")
    told = presentable(failures_now(runtime.context, target))
    return [Part(FAILURES, told, 1, False, "head")] if told else []


def _history(state: AskState, prompt: Prompt) -> list[Part]:
    return history_parts(
        state.get("history", []),
        prompt.request.settings.history,
        prompt.counter.count,
        about=f"{prompt.request.instruction}\n{prompt.block.text}",
        limit=HISTORY_TOKENS,
    )


def _facts(ports: Ports, route: Route, target: Target) -> list[Part]:
    """What may help beside the target, in the order in which the model reads it."""
    request, plain = ports.request, ports.profile.plain
    parts = (
        surroundings(request.text, request.filetype, target, route) if route == "insert" or not plain else []
    )
    if mode_of(request) == "architect":
        parts = outline(request.text, request.filetype, target) + parts
    if route != "insert" and not plain:
        parts += _symbols(ports.symbols(request.text, target["first"], target["last"]))
    if route != "insert":
        parts += _diagnostics(request, target)
    if route == "tests" and request.suite is not None and request.suite.example:
        parts.append(Part("A test of this project, for its style", request.suite.example, 2, False, "head"))
    return [
        Part(part.name, presentable(part.text), part.priority, part.required, part.shrink) for part in parts
    ]


def _symbols(symbols: Sequence[Symbol]) -> list[Part]:
    lines = [f"{symbol.signature}  # {symbol.doc}" if symbol.doc else symbol.signature for symbol in symbols]
    return [Part("Signatures", "\n".join(lines) + "\n", 2, False, "head")] if lines else []


def _diagnostics(request: AskRequest, target: Target) -> list[Part]:
    """What linters and language servers say of the target's lines, counted from its first; errors first.

    Where a fault is to be mended, our own tools are asked too: else what they find would lead the model away.
    """
    gravity = ("error", "warning", "information", "hint", "")
    first, last = target["first"], target["last"]
    inside = {item for item in request.diagnostics if first <= item.line <= last}
    gravest = sorted(inside, key=lambda item: (gravity.index(item.severity), item.line, item.message))
    said = [
        (
            item.line - first + 1,
            f"{f'{item.severity}: ' if item.severity else ''}{' '.join(item.message.split())}",
        )
        for item in gravest
    ]
    if wants_repair(request.instruction):
        known = {line for line, _ in said}
        found = facts(request.text, first, last, request.filetype)
        said += [(fact.line, fact.message) for fact in found if fact.line not in known]
    lines = [f"- line {line} of the code: {message}" for line, message in said]
    return [Part("Diagnostics", "\n".join(lines) + "\n", 1, False, "head")] if lines else []
