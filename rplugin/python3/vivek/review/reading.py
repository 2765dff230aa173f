"""What the model makes of one block: its doubt in numbers first, and words where the doubt is worth them.

Of what it says, the line that it doubts most is believed as far as such doubts have proved right; of its other words
nothing has been measured, and they are folded away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from vivek.edits.fit import presentable
from vivek.llm.forced import Place
from vivek.llm.profiles import Profile
from vivek.review import calibration
from vivek.review.doubt import Doubt, doubt
from vivek.review.finding import MODEL, Finding
from vivek.review.heard import HeardModel
from vivek.review.opinions import said_of
from vivek.review.subject import Subject
from vivek.review.units import Unit

ASKED_FROM = 0.4
"""The suspicion below which the model is not asked for words: they would be folded away, and take longest."""

UNMEASURED = 0.5
"""What a finding elsewhere than at the doubt is believed, as a share of the block's suspicion."""


@dataclass(frozen=True)
class Reader:
    """Who reads, and how. path: what findings name as their file. bound: whether the server binds replies to a
    schema."""

    model: HeardModel
    profile: Profile
    path: str
    bound: bool


@dataclass(frozen=True)
class Read:
    """What came of reading a block.

    signals: those that were known, and the doubt. suspicion: what they come to. usable: False where the model was asked
    for words and its reply was no list of findings. calls: as a review reports them.
    """

    signals: Mapping[str, float]
    suspicion: float
    findings: tuple[Finding, ...]
    ungrounded: int
    usable: bool
    calls: tuple[Mapping[str, Any], ...]


async def read(reader: Reader, subject: Subject, unit: Unit, known: Mapping[str, float]) -> Read:
    """Read a block. known: its signals so far. Raises VivekError (ModelAPIError and its kin) where a call fails."""
    doubted = await doubt(reader.model, subject)
    calls = _calls(reader, "doubt", unit)
    signals = {**known, calibration.DOUBT: doubted.nats} if doubted else dict(known)
    suspicion = calibration.calibrated(signals)
    if signals.get(calibration.EXAMPLES_FAILED) or (doubted and suspicion < ASKED_FROM):
        # A failing example is the finding; where the model would put the fault is a guess.
        return Read(signals, suspicion, (), 0, usable=True, calls=calls)
    own = _doubtful(reader, subject, unit, doubted) if doubted else None
    line = own.quote if own else ""
    said = await said_of(
        reader.model, subject, unit, reader.path, profile=reader.profile, bound=reader.bound, line=line
    )
    reader.model.cost()
    findings = tuple(_weighed(said.findings, own, suspicion))
    return Read(signals, suspicion, findings, said.ungrounded, said.usable, (*calls, *said.calls))


def _weighed(said: tuple[Finding, ...], own: Finding | None, suspicion: float) -> list[Finding]:
    """The findings with their confidence, the doubtful line first; where the model has words for it, they follow.

    It stays a warning: a model of this size calls everything an error.
    """
    if own is None:
        return [replace(finding, confidence=suspicion) for finding in said]
    worded = next((finding for finding in said if finding.line <= own.line <= finding.end_line), None)
    first = own
    if worded:
        suggestion = own.suggestion or worded.suggestion
        first = replace(own, message=f"{own.message} {worded.message}", suggestion=suggestion)
    others = [finding for finding in said if finding is not worded]
    return [
        replace(first, confidence=suspicion),
        *(replace(finding, confidence=suspicion * UNMEASURED) for finding in others),
    ]


def _doubtful(reader: Reader, subject: Subject, unit: Unit, doubted: Doubt) -> Finding:
    """The most doubtful place as a finding, with the line that the model would write."""
    place = doubted.places[0]
    code = presentable(subject.code)
    number = code.count("\n", 0, _visible(place))
    quote = subject.code.split("\n")[number]
    there = place.text.strip() or "the end of the line"
    rather = place.rather.strip()
    wish = f"; the model would write `{rather}`" if rather else ""
    return Finding(
        path=reader.path,
        line=unit.first + number,
        end_line=unit.first + number,
        severity="warning",
        category="correctness",
        source=MODEL,
        confidence=0.0,
        quote=quote,
        message=f"`{there}` is unlikely here{wish}.",
        suggestion=f"`{doubted.line}` may be meant." if doubted.line else "",
        block=unit.name,
    )


def _visible(place: Place) -> int:
    """Where the token's first character is that can be seen; a line's end belongs to its line."""
    return place.at + (len(place.text) - len(place.text.lstrip()) if place.text.strip() else 0)


def _calls(reader: Reader, node: str, unit: Unit) -> tuple[Mapping[str, Any], ...]:
    """The calls that have ended by now, as one; none where there was none."""
    number, cost = reader.model.cost()
    told = {"node": node, **asdict(cost), "calls": number, "first": unit.first, "last": unit.last}
    return (told,) if number else ()
