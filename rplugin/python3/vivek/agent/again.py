"""How the model is asked: the prompt as the planner wrote it, and what is said where an attempt did not do.

It decides on words and dice. What was wrong with an attempt is the reviewer's finding, and how often it is tried too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Literal

from vivek.agent.assemble import lines_of
from vivek.agent.budget import leaves_room, reply_cap
from vivek.agent.consult import with_task
from vivek.agent.evidence import EXAMPLES, TESTS
from vivek.agent.fault import wants_repair
from vivek.agent.listener import is_garbage
from vivek.agent.opinions import instruction, task
from vivek.agent.state import AskState, Attempt, Ports
from vivek.checks.changed import NAME as CHANGES
from vivek.edits.fit import presentable
from vivek.edits.hollow import hollow
from vivek.llm.base import Message, Sampling
from vivek.llm.profiles import Profile
from vivek.prompts import render
from vivek.prompts.layout import fenced, label

PROBLEM_CHARACTERS = 800
"""Cap on what is said of a failed attempt: some 200 tokens."""

GARBAGE_TEMPERATURE = 0.7
GARBAGE_PENALTY = 1.1
"""What gets a model out of a loop: Ollama's own defaults are 0.8 and 1.1."""

_MISSED = frozenset({CHANGES, EXAMPLES, TESTS})

Question = Literal["plain", "repair", "anew", "diagnose"]

DOING: dict[Question, str] = {
    "plain": "asking the model",
    "repair": "asking again, with what is wrong",
    "anew": "asking for the body anew, from its description",
    "diagnose": "asking again, and first for what is wrong",
}
"""What the user is told."""


@dataclass(frozen=True)
class Asked:
    """The next attempt's question. first: whether none like it was asked before in this run."""

    question: Question
    messages: list[Message]
    first: bool


def asked(state: AskState, ports: Ports) -> Asked:
    """What to send for the next attempt; all that it shares with the attempt before stays cached.

    A fault of form (no code, code that does not parse, a name lost) is shown to the model in its own reply. A reply
    that is the old code again, or fails an example or a test, is not: a small model goes on copying what it reads. It
    gets to see the function without its body and writes that anew, where there is a description to write it from; else,
    and in turn with that, it is to say first what is wrong. Of ten functions that a 1.5B could not mend at temperature
    0, it wrote nine rightly without their bodies, mended two when it said first what is wrong, and three when failing
    examples were in the prompt. Garbage is not shown again either.
    """
    messages = [Message(message["role"], message["content"]) for message in state["messages"]]
    worthy = [attempt for attempt in state["attempts"] if not is_garbage(attempt)]
    if not worthy:
        return Asked("plain", messages, not state["attempts"])
    if state["route"] != "rewrite" or not missed(worthy[-1]):
        return Asked("repair", _repairing(messages, state, ports, worthy[-1]), first=False)
    turn = sum(map(missed, worthy)) - 1
    questions: list[tuple[Question, list[Message]]] = [
        ("anew", _anew(messages, state, ports)),
        ("diagnose", _diagnosed(messages, state, ports)),
    ]
    questions = [(name, sent) for name, sent in questions if sent] or [("diagnose", messages)]
    question, sent = questions[turn % len(questions)]
    return Asked(question, sent, turn < len(questions))


def sampling_for(asked: Asked, state: AskState, profile: Profile, prompt_tokens: int) -> Sampling:
    """As the profile says: greedy where a question is new; after garbage hotter, with a penalty on what was just
    said."""
    attempts = state["attempts"]
    temperature = profile.temperature if asked.first else profile.retry_temperature
    penalty = profile.repeat_penalty
    if attempts and is_garbage(attempts[-1]):
        temperature, penalty = max(temperature, GARBAGE_TEMPERATURE), max(penalty, GARBAGE_PENALTY)
    return Sampling(
        max_tokens=reply_cap(state["room"], prompt_tokens),
        temperature=temperature,
        top_p=profile.top_p,
        seed=len(attempts) + 1,
        repeat_penalty=penalty,
    )


def missed(attempt: Attempt) -> bool:
    """Whether an attempt is sound in form, but does not do what was asked: it changes nothing, or fails when run."""
    found = {check["name"] for check in attempt["checks"] if not check["passed"]}
    return bool(found & _MISSED)


def _anew(messages: list[Message], state: AskState, ports: Ports) -> list[Message]:
    """The prompt with the function's body taken out; [] where there is none to take out or nothing to write it from."""
    request = ports.request
    block = presentable(lines_of(request.text, state["target"]))
    bare = hollow(block, request.filetype, request.instruction) if wants_repair(request.instruction) else None
    sent = _with_task(messages, state, ports, "anew", {}) if bare else []
    if not sent or bare is None:
        return []
    *before, last = sent
    old, new = (fenced(code, request.filetype) for code in (block, bare))
    return [*before, Message(last.role, new.join(last.content.rsplit(old, 1)))]


def _diagnosed(messages: list[Message], state: AskState, ports: Ports) -> list[Message]:
    what = "what is wrong and what" if wants_repair(ports.request.instruction) else "what"
    return _with_task(messages, state, ports, "diagnose", {"what": what})


def _with_task(
    messages: list[Message],
    state: AskState,
    ports: Ports,
    name: Literal["anew", "diagnose"],
    more: Mapping[str, str],
) -> list[Message]:
    """The prompt with another task at its end; [] where that leaves the reply too little room."""
    request = ports.request
    given = task(request, state["route"], state["target"], plain=ports.profile.plain)
    language = label(request.filetype or "text")
    sent = with_task(
        messages, given, render(name, instruction=instruction(request), language=language, **more)
    )
    return sent if leaves_room(state["room"], sent, ports.counter) else []


def _repairing(messages: list[Message], state: AskState, ports: Ports, last: Attempt) -> list[Message]:
    """The prompt, the last reply and what is wrong with it; where that leaves the reply too little room, the complaint
    without the reply, or the prompt without either."""
    language = label(ports.request.filetype or "text")
    repair = Message("user", render("repair", problem=_problem(last), language=language))
    with_reply = [*messages, Message("assistant", last["reply"]), repair]
    without = [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{repair.content}")]
    for candidate in (with_reply, without):
        if leaves_room(state["room"], candidate, ports.counter):
            return candidate
    return messages


def _problem(attempt: Attempt) -> str:
    """What the checks found, in so many words as a small model still minds."""
    details = " ".join(check["detail"] for check in attempt["checks"] if not check["passed"])
    return (
        shorten(details, PROBLEM_CHARACTERS, placeholder="") if len(details) > PROBLEM_CHARACTERS else details
    )
