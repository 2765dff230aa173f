"""What the model says is wrong with a block: asked by a schema, and believed only where it quotes the block.

How far it is believed is for `calibration` to say. A block whose reply is nonsense has no findings, and that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, Field

from vivek.edits.fit import presentable
from vivek.llm.base import ChatModel, Message, Sampling
from vivek.llm.profiles import Profile
from vivek.llm.structured import Answer, Question, ask_structured
from vivek.prompts import render
from vivek.review.finding import MODEL, Category, Finding, Severity
from vivek.review.grounding import place_of
from vivek.review.subject import Subject
from vivek.review.units import Unit

MOST_FINDINGS = 3
"""Of one block: a small model that is let goes on until its reply is cut."""

_LONGEST = 200
"""Characters of one text of a finding."""

REPLY_TOKENS = 360
"""Cap on a reply: three findings of a quote and two sentences."""

AGAIN_TOKENS = 200
"""Room for the message that asks once more."""

_CALL = "review"

_SEVERITIES = get_args(Severity)
_CATEGORIES = get_args(Category)


def _severity(value: object) -> object:
    word = value.strip().lower() if isinstance(value, str) else ""
    return word if word in _SEVERITIES else "warning"


def _category(value: object) -> object:
    word = value.strip().lower() if isinstance(value, str) else ""
    return word if word in _CATEGORIES else "correctness"


def _short(value: object) -> object:
    return value[:_LONGEST] if isinstance(value, str) else ""


_Text = Annotated[str, BeforeValidator(_short), Field(max_length=_LONGEST)]


class Opinion(BaseModel):
    """One finding as the model writes it. A field that makes no sense is no reason to lose the others."""

    severity: Annotated[Severity, BeforeValidator(_severity)] = "warning"
    category: Annotated[Category, BeforeValidator(_category)] = "correctness"
    quote: _Text = ""
    problem: _Text = ""
    fix: _Text = ""


def _list(value: object) -> object:
    """The objects of a list, as many as are wanted."""
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)][:MOST_FINDINGS]


class Opinions(BaseModel):
    """The reply. `findings` must be there: an object without it is some other object."""

    findings: Annotated[list[Opinion], BeforeValidator(_list), Field(max_length=MOST_FINDINGS)]


@dataclass(frozen=True)
class Said:
    """What came of asking about one block.

    findings: those whose quote is in the block, with a confidence of 0. ungrounded: how many were dropped. usable:
    whether the reply was an answer at all. calls: as an ask reports them.
    """

    findings: tuple[Finding, ...]
    ungrounded: int
    usable: bool
    calls: tuple[dict[str, Any], ...]


def question(subject: Subject, line: str = "") -> list[Message]:
    """The messages that ask for the findings of a block. line: of the block, what is to be looked at first."""
    first = f" Look at this line first: {line.strip()}" if line.strip() else ""
    return subject.messages(render("review", first=first))


async def said_of(
    model: ChatModel,
    subject: Subject,
    unit: Unit,
    path: str,
    *,
    profile: Profile,
    bound: bool,
    line: str = "",
) -> Said:
    """The model's findings about a block. bound: whether the server can bind a reply to a schema. line: see `question`.

    Raises VivekError where the call fails.
    """
    sampling = Sampling(
        max_tokens=REPLY_TOKENS,
        temperature=0.0,
        top_p=profile.top_p,
        repeat_penalty=profile.repeat_penalty,
    )
    asked = Question(Opinions, Opinions(findings=[]), _again, sampling, profile.retry_temperature)
    answer = await ask_structured(model, question(subject, line), asked, bound=bound)
    lines = subject.code.split("\n")
    grounded = [_finding(opinion, lines, unit, path) for opinion in answer.value.findings]
    findings = tuple(finding for finding in grounded if finding is not None)
    dropped = len(grounded) - len(findings)
    return Said(findings, dropped, answer.step != "fallback", tuple(_calls(answer, unit)))


def _again(problem: str) -> str:
    return render("again", problem=problem)


def _finding(opinion: Opinion, lines: Sequence[str], unit: Unit, path: str) -> Finding | None:
    """The finding where its quote stands; None where it stands nowhere, or where nothing is said."""
    place = place_of(opinion.quote, [presentable(line) for line in lines])
    if place is None or not opinion.problem.strip():
        return None
    first, last = place
    return Finding(
        path=path,
        line=unit.first + first - 1,
        end_line=unit.first + last - 1,
        severity=opinion.severity,
        category=opinion.category,
        source=MODEL,
        confidence=0.0,
        quote="\n".join(lines[first - 1 : last]),
        message=" ".join(opinion.problem.split()),
        suggestion=" ".join(opinion.fix.split()),
        block=unit.name,
    )


def _calls(answer: Answer[Opinions], unit: Unit) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    for index, reply in enumerate(answer.replies):
        call = {"node": _CALL if index == 0 else f"{_CALL} again", **asdict(reply.stats), "reply": reply.text}
        call |= {"first": unit.first, "last": unit.last}
        if reply.problem:
            call["problem"] = reply.problem
        calls.append(call)
    calls[-1]["step"] = answer.step
    return calls
