"""planner: decides the kind of work and the target, gathers the facts that help, and writes the prompt.

Deterministic throughout: the instruction's words, tree-sitter, jedi and the token counter settle it. No model is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.assemble import lines_of
from vivek.agent.budget import room_for, usable_of, window_for
from vivek.agent.history import HISTORY_TOKENS, history_parts
from vivek.agent.prompt import Prompt, told
from vivek.agent.route import choose_route
from vivek.agent.state import AskState, Ports, Route, Target
from vivek.agent.surroundings import surroundings
from vivek.agent.target import find_target, insertion_point
from vivek.context.packer import Part
from vivek.context.symbols import Symbol
from vivek.edits.fit import presentable
from vivek.errors import ContextWindowExceededError, RunStoppedError
from vivek.request import AskRequest, Diagnostic, line_count


def planner(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Fill in route, target, room and messages. Raises RequestError and ContextWindowExceededError."""
    ports = runtime.context
    if ports.cancel.cancelled:
        return {"stopped": True}
    request = ports.request
    route, target = _plan(request)
    emit.node(runtime, "planner", _detail(route, target))
    prompt = Prompt(request, route, target, ports.counter)
    try:
        window = _window(prompt, runtime)
    except RunStoppedError:
        return {"stopped": True, "route": route, "target": target}
    room = room_for(route, prompt.block_tokens, window, exact=ports.counter.exact)
    fitted = prompt.fitted(_facts(ports, route, target), _history(state, prompt), room)
    emit.prompt(runtime, told(fitted, window), whole=not (fitted.packed.cut or fitted.packed.dropped))
    return {
        "route": route,
        "target": target,
        "room": room,
        "messages": [{"role": message.role, "content": message.content} for message in fitted.messages],
        "stopped": ports.cancel.cancelled,
    }


def _plan(request: AskRequest) -> tuple[Route, Target]:
    """Route and target. New code has no target to find, only a place to go."""
    selected = ""
    if request.first is not None and request.last is not None:
        selected = lines_of(request.text, {"first": request.first, "last": request.last, "name": ""})
    bounded = request.first is not None
    route = choose_route(request.instruction, selected if bounded else request.text, bounded=bounded)
    if route == "insert":
        return route, insertion_point(request)
    if route == "answer" and not request.text.strip():
        return route, {"first": 1, "last": 0, "name": ""}
    return route, find_target(request)


def _detail(route: Route, target: Target) -> str:
    if route == "insert":
        return f"writing new code at line {target['first']}"
    verb = "explaining" if route == "answer" else "rewriting"
    name = f"`{target['name']}`, " if target["name"] else ""
    return f"{verb} {name}lines {target['first']} to {target['last']}"


def _window(prompt: Prompt, runtime: Runtime[Ports]) -> int:
    """The window in which the prompt's required parts fit: the loaded one, or one that is raised for them.

    Raises ContextWindowExceededError with the numbers, RunStoppedError.
    """
    ports = runtime.context
    exact = ports.counter.exact
    window = ports.info.context_window
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
    request = ports.request
    parts = surroundings(request.text, request.filetype, target, route)
    if route != "insert":
        parts += _symbols(ports.symbols(request.text, target["first"], target["last"]))
        parts += _diagnostics(request.diagnostics, target)
    return [
        Part(part.name, presentable(part.text), part.priority, part.required, part.shrink) for part in parts
    ]


def _symbols(symbols: Sequence[Symbol]) -> list[Part]:
    lines = [f"{symbol.signature}  # {symbol.doc}" if symbol.doc else symbol.signature for symbol in symbols]
    return [Part("Signatures", "\n".join(lines) + "\n", 2, False, "head")] if lines else []


def _diagnostics(diagnostics: Sequence[Diagnostic], target: Target) -> list[Part]:
    """What linters and language servers say of the target's lines, counted from the target's first."""
    inside = [item for item in diagnostics if target["first"] <= item.line <= target["last"]]
    lines = [f"- line {item.line - target['first'] + 1} of the code: {item.message}" for item in inside]
    return [Part("Diagnostics", "\n".join(lines) + "\n", 1, False, "head")] if lines else []
