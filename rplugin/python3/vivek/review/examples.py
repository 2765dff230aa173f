"""The failing examples of a text's own docstrings, as findings: what was run is known, not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vivek.cancel import CancelToken
from vivek.context.blocks import block_at
from vivek.review.finding import EXAMPLE, Finding
from vivek.review.request import ReviewRequest
from vivek.review.units import Unit
from vivek.verify.examples import Example, examples_of
from vivek.verify.report import Finding as Outcome
from vivek.verify.report import Verifier

CONFIDENCE = 0.95
"""Of functions about half of which have a bug, 63 % of the bugs fail an example and 2 % of the others do."""

_RAISED_AT = re.compile(r"\(line (\d+): `")


BATCH = 64
"""Examples that are run at once: each batch costs a copy of the project."""


@dataclass(frozen=True)
class Tried:
    """One example and how it went. unit: the piece of the file it is about. line: 1-based, where it stands."""

    unit: Unit
    line: int
    outcome: Outcome


def tried(
    request: ReviewRequest, units: Sequence[Unit], verifier: Verifier, cancel: CancelToken
) -> tuple[list[Tried], list[str]]:
    """The outcomes of the pieces' examples, and why some could not be run, a sentence each.

    Raises RunStoppedError.
    """
    found: list[Tried] = []
    troubles: list[str] = []
    lines = request.text.split("\n")
    for batch in _batches(request, units):
        report = verifier.run_examples(request.text, [example for _, example in batch], cancel)
        if not report.ran:
            troubles.append(report.why_not)
        for outcome in report.findings:
            own = next((each for each in batch if _is(each[1], outcome)), batch[0])
            found.append(Tried(own[0], _line_of(own[1], outcome, lines), outcome))
    return found, list(dict.fromkeys(troubles))


def finding_of(tried: Tried, request: ReviewRequest) -> Finding:
    """A failed example as a finding: where the code raised, or else at the example itself."""
    outcome = tried.outcome
    lines = request.text.split("\n")
    raised = _RAISED_AT.search(outcome.error)
    line = int(raised[1]) if raised and 1 <= int(raised[1]) <= len(lines) else tried.line
    block = block_at(request.text, request.filetype, tried.line)
    return Finding(
        path=request.name,
        line=line,
        end_line=line,
        severity="error",
        category="correctness",
        source=EXAMPLE,
        confidence=CONFIDENCE,
        quote=lines[line - 1],
        message=_told(outcome),
        suggestion="Mend the code, or the example where that is wrong.",
        block=block.name if block else "",
    )


def _batches(request: ReviewRequest, units: Sequence[Unit]) -> Iterator[list[tuple[Unit, Example]]]:
    """The examples of all pieces, each once, in batches; the sessions of a batch are numbered anew."""
    batch: list[tuple[Unit, Example]] = []
    seen: set[Example] = set()
    session = 0
    for unit in units:
        own = [
            one
            for one in examples_of(request.text, unit.first, unit.last, request.filetype)
            if replace(one, session=0) not in seen
        ]
        seen.update(replace(one, session=0) for one in own)
        if batch and len(batch) + len(own) > BATCH:
            yield batch
            batch, session = [], 0
        batch += [(unit, replace(one, session=session + one.session)) for one in own]
        session += max((one.session for one in own), default=-1) + 1
    if batch:
        yield batch


def _is(example: Example, outcome: Outcome) -> bool:
    return example.expression.strip() == outcome.expression.strip() and example.source == outcome.source


def _line_of(example: Example, outcome: Outcome, lines: Sequence[str]) -> int:
    """The line that the example begins on; of equal ones the first in its docstring."""
    wanted = outcome.expression.strip().split("\n")[0]
    below = range(example.line, len(lines) + 1)
    return next((number for number in below if wanted in lines[number - 1]), example.line)


def _told(outcome: Outcome) -> str:
    call = f"`{' '.join(outcome.expression.split())}`"
    if outcome.error:
        wanted = f", and should give `{outcome.expected.strip()}`" if outcome.expected.strip() else ""
        return f"{call} fails: {outcome.error}{wanted}."
    return f"{call} gives `{outcome.got.strip()}`, and should give `{outcome.expected.strip()}`."
