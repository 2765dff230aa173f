"""How the model is asked: the prompt as the planner wrote it, and what is said where an attempt did not do.

It decides on words and dice. What was wrong with an attempt is the reviewer's finding, and how often it is tried too.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

from vivek.agent.budget import leaves_room, reply_cap
from vivek.agent.consult import with_task
from vivek.agent.evidence import EXAMPLES, TESTS
from vivek.agent.listener import is_garbage
from vivek.agent.opinions import instruction, task
from vivek.agent.state import AskState, Attempt, PlainMessage, Ports
from vivek.checks.changed import NAME as CHANGES
from vivek.llm.base import Message, Sampling
from vivek.llm.profiles import Profile
from vivek.prompts import render
from vivek.prompts.layout import label

PROBLEM_CHARACTERS = 800
"""Cap on what is said of a failed attempt: some 200 tokens."""

GARBAGE_TEMPERATURE = 0.7
GARBAGE_PENALTY = 1.1
"""What gets a model out of a loop: Ollama's own defaults are 0.8 and 1.1."""

_MISSED = frozenset({CHANGES, EXAMPLES, TESTS})


def messages_for(state: AskState, ports: Ports) -> list[Message]:
    """What to send for the next attempt; all that it shares with the attempt before stays cached.

    A fault of form (no code, code that does not parse, a name lost) is shown to the model in its own reply. A reply
    that is the old code again, or fails an example or a test, is not: a small model goes on copying what it reads.
    There it is asked anew, and to say first what is wrong: of ten copies that a 1.5B made at temperature 0 this ended
    half, where failing examples in the same prompt ended one. Garbage is not shown again either.
    """
    messages = _from_plain(state["messages"])
    worthy = [attempt for attempt in state["attempts"] if not is_garbage(attempt)]
    if not worthy:
        return messages
    if missed(worthy[-1]) and state["route"] == "rewrite":
        return _diagnosing(messages, state, ports)
    return _repairing(messages, state, ports, worthy[-1])


def sampling_for(state: AskState, profile: Profile, prompt_tokens: int) -> Sampling:
    """As the profile says: greedy at first, and where a question is new; after garbage hotter, with a penalty on what
    was just said."""
    attempts = state["attempts"]
    number = len(attempts) + 1
    fresh = number == 1 or (
        state["route"] == "rewrite" and sum(map(missed, attempts)) == 1 and missed(attempts[-1])
    )
    temperature = profile.temperature if fresh else profile.retry_temperature
    penalty = profile.repeat_penalty
    if attempts and is_garbage(attempts[-1]):
        temperature, penalty = max(temperature, GARBAGE_TEMPERATURE), max(penalty, GARBAGE_PENALTY)
    return Sampling(
        max_tokens=reply_cap(state["room"], prompt_tokens),
        temperature=temperature,
        top_p=profile.top_p,
        seed=number,
        repeat_penalty=penalty,
    )


def missed(attempt: Attempt) -> bool:
    """Whether an attempt is sound in form, but does not do what was asked: it changes nothing, or fails when run."""
    found = {check["name"] for check in attempt["checks"] if not check["passed"]}
    return bool(found & _MISSED)


def _diagnosing(messages: list[Message], state: AskState, ports: Ports) -> list[Message]:
    request = ports.request
    given = task(request, state["route"], state["target"], plain=ports.profile.plain)
    language = label(request.filetype or "text")
    asked = with_task(
        messages, given, render("diagnose", instruction=instruction(request), language=language)
    )
    return asked if leaves_room(state["room"], asked, ports.counter) else messages


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


def _from_plain(messages: Sequence[PlainMessage]) -> list[Message]:
    return [Message(message["role"], message["content"]) for message in messages]
