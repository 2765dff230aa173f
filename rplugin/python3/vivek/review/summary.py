"""One line on the quality of what was reviewed, from what was found: no model judges the whole."""

from __future__ import annotations

from collections.abc import Sequence

from vivek.review.finding import SEVERITIES, BlockReview, Finding, Severity

_NAMES: dict[Severity, tuple[str, str]] = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "information": ("remark", "remarks"),
    "hint": ("hint", "hints"),
}

SUSPICIOUS = 0.5


def summary_of(findings: Sequence[Finding], blocks: Sequence[BlockReview], *, read: int, of: int) -> str:
    """One line. read, of: how many of the blocks the model read.

    >>> summary_of([], [], read=0, of=0)
    'Nothing found; no model read it.'
    """
    model = f"the model read {read} of {counted(of, 'block', 'blocks')}" if read else "no model read it"
    doubted = sorted((block for block in blocks if (block.suspicion or 0.0) >= SUSPICIOUS), key=_suspicion)
    line = f"{counts_of(findings) or 'Nothing found'}; {model}"
    if doubted:
        names = ", ".join(
            f"{block.name or f'lines {block.first} to {block.last}'} ({block.suspicion:.0%})"
            for block in doubted[:3]
        )
        line += f"; most suspicious: {names}"
    return f"{line}."


def counts_of(findings: Sequence[Finding]) -> str:
    """How many there are of each severity: "2 errors, 1 hint", "" where there are none."""
    numbers = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    return ", ".join(counted(number, *_NAMES[severity]) for severity, number in numbers.items() if number)


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many}"


def _suspicion(block: BlockReview) -> float:
    return -(block.suspicion or 0.0)
