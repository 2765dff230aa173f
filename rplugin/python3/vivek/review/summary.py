"""Sums reviews up: one line on the quality of what was reviewed, from what was found: no model judges the whole."""

from __future__ import annotations

from collections.abc import Sequence

from vivek.review.calibration import SHOWN_FROM
from vivek.review.finding import SEVERITIES, BlockReview, Finding, Review, Severity

_NAMES: dict[Severity, tuple[str, str]] = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "information": ("remark", "remarks"),
    "hint": ("hint", "hints"),
}


def summary_of(findings: Sequence[Finding], blocks: Sequence[BlockReview], *, read: int, of: int) -> str:
    """One line. read, of: how many of the blocks the model read.

    >>> summary_of([], [], read=0, of=0)
    'Nothing found; no model read it.'
    """
    model = f"the model read {read} of {counted(of, 'block', 'blocks')}" if read else "no model read it"
    doubted = sorted((block for block in blocks if (block.suspicion or 0.0) >= SHOWN_FROM), key=_suspicion)
    line = f"{counts_of(findings) or 'Nothing found'}; {model}"
    if doubted:
        names = ", ".join(
            f"{block.name or f'lines {block.first} to {block.last}'} ({block.suspicion:.0%})"
            for block in doubted[:3]
        )
        line += f"; most suspicious: {names}"
    return f"{line}."


def together(reviews: Sequence[Review]) -> Review:
    """The reviews of several files as one."""
    everything = [finding for each in reviews for finding in each.findings]
    files = counted(len(reviews), "file", "files")
    summary = f"{counts_of(everything) or 'Nothing found'} in {files}."
    if len(reviews) == 1:
        summary = reviews[0].summary
    return Review(
        findings=tuple(everything),
        folded=tuple(finding for each in reviews for finding in each.folded),
        skipped=tuple(skipped for each in reviews for skipped in each.skipped),
        dismissed=sum(each.dismissed for each in reviews),
        ungrounded=sum(each.ungrounded for each in reviews),
        blocks=tuple(block for each in reviews for block in each.blocks),
        calls=tuple(call for each in reviews for call in each.calls),
        complete=all(each.complete for each in reviews),
        summary=summary,
        error=next((each.error for each in reviews if each.error), None),
    )


def counts_of(findings: Sequence[Finding]) -> str:
    """How many there are of each severity: "2 errors, 1 hint", "" where there are none."""
    numbers = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    return ", ".join(counted(number, *_NAMES[severity]) for severity, number in numbers.items() if number)


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many}"


def _suspicion(block: BlockReview) -> float:
    return -(block.suspicion or 0.0)
