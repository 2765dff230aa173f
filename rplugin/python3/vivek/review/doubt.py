"""How much the model doubts a block: how unlikely it finds the block as the reply to "rewrite it without its bug".

A small model's verdict is mere bias of the wording: asked for OK or BUG it always says the same, and the probabilities
of these words tell little more. But where it copies the block with the bug mended, it hesitates at the bug, and that
place is the finding. Nothing that it would write is believed but that it would write something else there.
"""

from __future__ import annotations

import ast
import textwrap
from contextlib import aclosing
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Doubt:
    """nats: the sum over the most doubtful places. places: those, the most doubtful one first."""

    nats: float
    places: tuple[Place, ...]


async def doubt(model: ChatModel, subject: Subject) -> Doubt | None:
    """The doubt about a block; None where the server cannot tell.

    Raises VivekError (ModelAPIError and its kin, ContextWindowExceededError) where a call fails.
    """
    if not (await model.info()).capabilities >= NEEDED:
        return None
    code = _copied(subject)
    found: list[Place] = []
    others = 0
    places = forced(
        model, _question(subject), _opening(subject), code, _first_statement(code, subject.language)
    )
    async with aclosing(places) as told:
        async for place in told:
            found.append(place)
            others += bool(place.rather)
            if others == MOST_OTHERS or len(found) == LONGEST:
                break
    if not found or found[0].rather.startswith("`"):
        return None  # nothing is told, or the reply was begun anew
    worst = sorted(found, key=lambda place: -place.nats)[:WEIGHED]
    return Doubt(sum(place.nats for place in worst), tuple(worst))


async def instead(model: ChatModel, subject: Subject, place: Place) -> str:
    """The line that the model would write at the place, without what is blank around it. Raises as `doubt`."""
    code = _copied(subject)
    begun = Message("assistant", _opening(subject) + code[: place.at])
    said = ""
    stream = model.stream([*_question(subject), begun], Sampling(max_tokens=_LINE_TOKENS))
    async with aclosing(stream) as events:  # type: ignore[type-var]
        async for event in events:
            said += event.text if isinstance(event, Text) else ""
            if "\n" in said.lstrip():
                break
    start = code.rfind("\n", 0, place.at) + 1
    line, _, _ = (code[start : place.at] + said).strip().partition("\n")
    return line.strip()


def _question(subject: Subject) -> list[Message]:
    return subject.messages(render("mend"))


def _copied(subject: Subject) -> str:
    """The block as the model would write it, to the end of its last line: a line may lack its end."""
    return presentable(subject.code).rstrip("\n") + "\n"


def _opening(subject: Subject) -> str:
    """The fence that the reply begins with."""
    return fenced(subject.code, subject.language).partition("\n")[0] + "\n"


def _first_statement(code: str, language: str) -> int:
    """Where what is worth a look begins: behind the docstring of a Python definition, which nobody mends."""
    try:
        [definition] = ast.parse(textwrap.dedent(code)).body if language == "python" else []
    except (SyntaxError, ValueError):
        return 0
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return 0
    if ast.get_docstring(definition, clean=False) is None:
        return 0
    last = definition.body[0].end_lineno or 0
    return sum(len(line) + 1 for line in code.split("\n")[:last])
