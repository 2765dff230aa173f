"""planner: decides the kind of work and the target, gathers the facts that help, and writes the prompt.

Deterministic first: the instruction's words, tree-sitter, jedi and the token counter settle it. A model is asked only
where the words leave the kind of work open and the model's profile says that its answer is worth the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.assemble import lines_of
from vivek.agent.history import history_text
from vivek.agent.opinions import planned, route_of, task
from vivek.agent.route import choose_route, is_open
from vivek.agent.state import AskState, Ports, Route, Target
from vivek.agent.surroundings import surroundings
from vivek.agent.target import find_target, insertion_point
from vivek.context.packer import Packed, Part, pack
from vivek.context.symbols import Symbol
from vivek.edits.fit import presentable
from vivek.errors import ContextWindowExceededError
from vivek.llm.base import Message, TokenCounter
from vivek.prompts import render
from vivek.prompts.layout import label, user_message
from vivek.request import AskRequest, Diagnostic, line_count

CONTEXT_TOKENS = 800
"""Cap on what surrounds the target in a prompt. On two CPU cores a 1.5B reads about 60 tokens a second, so this is
the most that a first answer may be made to wait for; a small model loses the thread in more of it anyway."""

REPLY_TOKENS: dict[Route, int] = {"rewrite": 256, "insert": 1024, "answer": 768}
"""Room for the reply besides, for a rewrite, one and a half times the target."""

HISTORY_SHARE = 220
"""Tokens kept for the conversation's history and the section titles."""

APPROXIMATE_MARGIN = 0.1
"""Share of the window kept free where the counter is only approximate."""


def planner(state: AskState, runtime: Runtime[Ports]) -> dict[str, Any]:
    """Fill in route, target and messages. Raises RequestError and ContextWindowExceededError."""
    ports = runtime.context
    if ports.cancel.cancelled:
        return {"stopped": True}
    route, open_ = _route(ports.request)
    update = _written(state, runtime, route)
    if not (open_ and ports.profile.plan):
        return update
    plan = planned(runtime, [Message(**message) for message in update["messages"]], route)
    decided = route_of(plan.value, bounded=ports.request.first is not None)
    if decided != route and not plan.stopped:
        update = _written(state, runtime, decided)
    return {**update, "calls": [*state["calls"], *plan.calls], "stopped": plan.stopped or update["stopped"]}


def _written(state: AskState, runtime: Runtime[Ports], route: Route) -> dict[str, Any]:
    """The prompt for a route, and what belongs to it."""
    ports = runtime.context
    target = _target(ports.request, route)
    emit.node(runtime, "planner", _detail(route, target))
    prompt = _Prompt(ports.request, route, target, ports.counter, ports.profile.plain)
    facts = _facts(ports, route, target)
    room = _room(prompt, ports.info.context_window, ports.counter.exact)
    packed = pack(facts, min(room, CONTEXT_TOKENS), ports.counter.count)
    messages = prompt.messages(packed, history_text(state.get("history", []), ports.counter.count))
    left_out = _left_out(packed)
    if left_out:
        emit.notice(runtime, left_out)
    return {
        "route": route,
        "target": target,
        "reply_tokens": prompt.reply_tokens,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "stopped": ports.cancel.cancelled,
    }


def _route(request: AskRequest) -> tuple[Route, bool]:
    """The route that the instruction's words choose, and whether they left it open."""
    text = request.text
    if request.first is not None and request.last is not None:
        text = lines_of(request.text, {"first": request.first, "last": request.last, "name": ""})
    route = choose_route(request.instruction, text, bounded=request.first is not None)
    return route, is_open(request.instruction, text)


def _target(request: AskRequest, route: Route) -> Target:
    """The lines for a route. New code has no target to find, only a place to go."""
    if route == "insert":
        return insertion_point(request)
    if route == "answer" and not request.text.strip():
        return {"first": 1, "last": 0, "name": ""}
    return find_target(request)


def _detail(route: Route, target: Target) -> str:
    if route == "insert":
        return f"writing new code at line {target['first']}"
    verb = "explaining" if route == "answer" else "rewriting"
    name = f"`{target['name']}`, " if target["name"] else ""
    return f"{verb} {name}lines {target['first']} to {target['last']}"


@dataclass(frozen=True)
class _Prompt:
    """The prompt of one ask, before it is known what fits in it."""

    request: AskRequest
    route: Route
    target: Target
    counter: TokenCounter
    plain: bool

    @property
    def code(self) -> str:
        return presentable(lines_of(self.request.text, self.target))

    @property
    def reply_tokens(self) -> int:
        grown = self.counter.count(self.code) * 3 // 2 if self.route == "rewrite" else 0
        return REPLY_TOKENS[self.route] + grown

    def messages(self, packed: Packed | None, history: str) -> list[Message]:
        """System message and user message: the context first and unchanged, the instruction and role last."""
        sections = [("File", self.request.path.name)] if self.request.path else []
        sections += [(part.name, part.text) for part in packed.parts] if packed else []
        last = task(self.request, self.route, plain=self.plain)
        return [
            Message("system", render("system")),
            Message("user", user_message(sections, self.code, self._language, history, last)),
        ]

    @property
    def _language(self) -> str:
        return label(self.request.filetype or "text")


def _room(prompt: _Prompt, window: int, exact: bool) -> int:
    """Tokens left for context once the instruction, the target and the reply have theirs."""
    usable = window if exact else int(window * (1 - APPROXIMATE_MARGIN))
    fixed = prompt.counter.count_messages(prompt.messages(None, "")) + HISTORY_SHARE
    room = usable - prompt.reply_tokens - fixed
    if room < 0:
        lines = line_count(prompt.code)
        raise ContextWindowExceededError(
            f"The {lines} lines and the instruction take {fixed} tokens and the reply may take {prompt.reply_tokens}, "
            f"but the model's context window holds {usable}.",
            hint="Select fewer lines.",
        )
    return room


def _facts(ports: Ports, route: Route, target: Target) -> list[Part]:
    """What may help beside the target, in the order in which the model reads it."""
    request, plain = ports.request, ports.profile.plain
    parts = (
        surroundings(request.text, request.filetype, target, route) if route == "insert" or not plain else []
    )
    if route != "insert" and not plain:
        parts += _symbols(ports.symbols(request.text, target["first"], target["last"]))
    if route != "insert":
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


def _left_out(packed: Packed) -> str:
    """One sentence that names what did not fit, with its tokens; "" where all did."""
    dropped = [f"{name} ({tokens} tokens)" for name, tokens in packed.dropped]
    cut = [f"{name} (cut by {tokens} tokens)" for name, tokens in packed.cut]
    return f"Left out of the prompt: {', '.join(dropped + cut)}." if dropped or cut else ""
