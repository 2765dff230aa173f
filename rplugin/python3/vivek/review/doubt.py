"""How much the model doubts a block: how unlikely it finds the block as the reply to "rewrite it without its bug".

A small model's verdict is mere bias of the wording: asked for OK or BUG it always says the same, and the probabilities
of these words tell little more. But where it copies the block with the bug mended, it hesitates at the bug, and that
place is the finding. Nothing that it would write is believed but that it would write something else there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from vivek.context.remarks import code_spans
from vivek.edits.fit import presentable
from vivek.llm.base import ChatModel, Message, Sampling, Text
from vivek.llm.forced import Place, forced
from vivek.prompts import render
from vivek.prompts.layout import fenced
from vivek.review.subject import Subject

NEEDED = frozenset({"logprobs", "prefill"})
"""What the server must be capable of."""

WEIGHED = 5
"""How many places count, the most doubtful ones: a sum over all would grow with the length of the block."""

MOST_OTHERS = 3
"""Places at which the model would write something else, after which no more are looked for."""

LONGEST = 400
"""Tokens of a block that are looked at; each costs as much as one that is written."""

_LINE_TOKENS = 40

_REMARKS = ("//", "/*", "#", "--", '"""', "'''")
"""What comments begin with: where the model would write one, it has nothing against the code."""


@dataclass(frozen=True)
class Doubt:
    """nats: the sum over the most doubtful places. places: those, the most doubtful one first.

    line: what the model would write there in place of the line, without what is blank around it; "" where it would
    write the same token.
    """

    nats: float
    places: tuple[Place, ...]
    line: str = ""


async def doubt(model: ChatModel, subject: Subject) -> Doubt | None:
    """The doubt about a block; None where the server cannot tell.

    Comments, docstrings and blank lines are not looked at: nobody mends these. Raises VivekError (ModelAPIError and its
    kin, ContextWindowExceededError) where a call fails.
    """
    if not (await model.info()).capabilities >= NEEDED:
        return None
    found: list[Place] = []
    others = 0
    async with aclosing(_places(model, subject)) as places:
        async for place in places:
            remark = place.rather.strip().startswith(_REMARKS)
            if not found and place.rather.startswith("`"):
                return None  # the reply was begun anew
            found += [] if remark else [place]
            others += bool(place.rather) and not remark
            if others == MOST_OTHERS or len(found) == LONGEST:
                break
    worst, line = await _meant(model, subject, sorted(found, key=lambda place: -place.nats))
    counted = tuple(worst[:WEIGHED])
    return Doubt(sum(place.nats for place in counted), counted, line) if counted else None


async def _places(model: ChatModel, subject: Subject) -> AsyncGenerator[Place, None]:
    code = _copied(subject)
    for span in code_spans(code, subject.language):
        async with aclosing(forced(model, _question(subject), _opening(subject), code, span)) as places:
            async for place in places:
                yield place


async def _meant(model: ChatModel, subject: Subject, worst: list[Place]) -> tuple[list[Place], str]:
    """The places without those at the front that come to nothing, and the line that the model would write at the first.

    Nothing comes of a place where the model, left to itself, would write a comment, or after all what stands there, in
    other tokens. Raises as `doubt`.
    """
    code = _copied(subject)
    while worst and worst[0].rather:
        at = worst[0].at
        said = await _continued(model, subject, at)
        line = _line(code, at, said)
        if line != _line(code, at, code[at:]) and not said.lstrip().startswith(_REMARKS):
            return worst, line
        worst = worst[1:]
    return worst, ""


def _line(code: str, at: int, rest: str) -> str:
    """The line that the code up to a character and the rest make."""
    line, _, _ = (code[code.rfind("\n", 0, at) + 1 : at] + rest).strip().partition("\n")
    return line.strip()


async def _continued(model: ChatModel, subject: Subject, at: int) -> str:
    """What the model would write from a character on, to the end of a line."""
    begun = Message("assistant", _opening(subject) + _copied(subject)[:at])
    said = ""
    stream = model.stream([*_question(subject), begun], Sampling(max_tokens=_LINE_TOKENS))
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            said += event.text if isinstance(event, Text) else ""
            if "\n" in said.lstrip():
                break
    return said


def _question(subject: Subject) -> list[Message]:
    return subject.messages(render("mend"))


def _copied(subject: Subject) -> str:
    """The block as the model would write it, to the end of its last line: a line may lack its end."""
    return presentable(subject.code).rstrip("\n") + "\n"


def _opening(subject: Subject) -> str:
    """The fence that the reply begins with."""
    return fenced(subject.code, subject.language).partition("\n")[0] + "\n"
