"""The graph's state and its ports.

State is plain data, because it is checkpointed and read back with a serializer that makes nothing else. The ports
(model, document, listener, the cancel switch) come in through LangGraph's context and are never stored; so is the
document itself, which would be written to disk once a run otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from vivek.agent.adaptive import TrackRecord
from vivek.cancel import CancelToken
from vivek.context.symbols import Symbol
from vivek.llm.base import ChatModel, ModelInfo, TokenCounter
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import PROFILES, Profile
from vivek.request import AskRequest
from vivek.verify.report import Verifier

Route = Literal["rewrite", "insert", "answer", "tests"]
"""The kind of work; "tests" are written for the target, checked, and told as an answer."""

Node = Literal["planner", "executor", "reviewer", "formatter"]
CallNode = Literal["planner", "executor", "reviewer", "formatter", "planner again", "reviewer again"]
"""Who makes a call; "again" is the second try at a structured question."""

Event = dict[str, Any]
"""One message for the listener: `kind` and plain values."""


class Target(TypedDict):
    """The lines to work on, 1-based and inclusive; for an insertion `last` is `first - 1`: the new lines come
    before `first`. name: the definition it is, "" for a bare range."""

    first: int
    last: int
    name: str


class HistoryEntry(TypedDict):
    """One earlier instruction of a conversation and what became of it."""

    run: str
    instruction: str
    outcome: str


class PlainCheck(TypedDict):
    """A check's result as plain data."""

    name: str
    passed: bool
    detail: str


class _More(TypedDict, total=False):
    anew: bool
    tests: str
    told: str


class Attempt(_More):
    """One finished reply, raw, and the reviewer's judgement of it.

    anew: whether the model did not get to see the old body. Where tests were asked for: tests, those to offer; told,
    what running them came to.
    """

    reply: str
    complete: bool
    score: float
    usable: bool
    checks: list[PlainCheck]


class _Answered(TypedDict, total=False):
    reply: str
    step: str
    problem: str


class Call(_Answered):
    """What one model call cost; `cached_tokens` is None where the server does not tell.

    A structured question's call has more: reply, the raw text; step, how the answer was got (on the last of a
    question's calls, see `vivek.llm.structured.Step`); problem, why the reply is no answer, where it is none. An
    executor's reply is in its attempt.
    """

    node: CallNode
    prompt_tokens: int
    cached_tokens: int | None
    generated_tokens: int
    first_token_ms: float
    total_ms: float


class PlainMessage(TypedDict):
    """A chat message as plain data."""

    role: Literal["system", "user", "assistant"]
    content: str


class Room(TypedDict):
    """How much of the context window a reply may take, in tokens.

    window: the whole of it, as the model is loaded by now. usable: what prompt and reply share. least: below this an
    honest reply might be cut. wanted: what surroundings of the target leave free. most: the cap, however much is free.
    """

    window: int
    usable: int
    least: int
    wanted: int
    most: int


class AskState(TypedDict):
    """Everything that passes from node to node. history: what the conversation had come to when the run began."""

    run: str
    route: Route
    target: Target
    messages: list[PlainMessage]
    room: Room
    attempts: list[Attempt]
    partial: str
    stopped: bool
    failure: dict[str, str] | None
    calls: list[Call]
    best: int
    edits: list[dict[str, Any]]
    answer: str
    history: list[HistoryEntry]


def fresh_state(run: str, history: list[HistoryEntry]) -> AskState:
    """Input for a new run: every channel at its beginning, but for what is known of earlier runs."""
    return {
        "run": run,
        "route": "rewrite",
        "target": {"first": 1, "last": 0, "name": ""},
        "messages": [],
        "room": {"window": 0, "usable": 0, "least": 0, "wanted": 0, "most": 0},
        "attempts": [],
        "partial": "",
        "stopped": False,
        "failure": None,
        "calls": [],
        "best": -1,
        "edits": [],
        "answer": "",
        "history": history,
    }


@dataclass(frozen=True)
class Ports:
    """What the nodes reach the world through.

    symbols: (text, first, last) -> the signatures of the names that those lines use. profile: how the model is asked.
    record: what each model failed lately, in this process. verifier: what runs examples and tests on a candidate; None
    where the user switched nothing on.
    """

    request: AskRequest
    model: ChatModel
    info: ModelInfo
    counter: TokenCounter
    loop: ModelLoop
    cancel: CancelToken
    symbols: Callable[[str, int, int], list[Symbol]]
    profile: Profile = PROFILES["small"]
    record: TrackRecord = field(default_factory=TrackRecord)
    verifier: Verifier | None = None
