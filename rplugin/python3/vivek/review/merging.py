"""Tells when two findings are about the same thing, and keeps one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vivek.review.finding import MODEL, SEVERITIES, Finding

_QUOTED = re.compile(r"[`'\"“‘]([^`'\"“”‘’]{1,60})[`'\"”’]")
_WORD = re.compile(r"\w+")

_ALIKE = 0.5
"""Share of the words of two messages that they have in common from which they say the same."""


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of their lines; of those that say the same, the first, with the gravest severity."""
    kept: list[Finding] = []
    for finding in findings:
        twin = twin_of(finding, kept)
        if twin is None:
            kept.append(finding)
        else:
            kept[kept.index(twin)] = _joined(twin, finding)
    return sorted(kept, key=lambda finding: (finding.line, SEVERITIES.index(finding.severity)))


def twin_of(finding: Finding, others: Sequence[Finding]) -> Finding | None:
    """The one of the others that says the same of the same lines, None where none does."""
    return next((other for other in others if _same(finding, other)), None)


def _same(one: Finding, other: Finding) -> bool:
    if one.end_line < other.line or other.end_line < one.line:
        return False
    if one.source == other.source:
        return one.key == other.key and (one.source == MODEL or one.message == other.message)
    if MODEL in (one.source, other.source):
        return _same_to_a_model(one, other)
    alike = bool(_names(one) & _names(other)) or one.category == "syntax"
    return (alike and one.category == other.category) or _likeness(one.message, other.message) >= _ALIKE


def _same_to_a_model(one: Finding, other: Finding) -> bool:
    """A model names what it means without quotes, and takes one category for another."""
    tool, model = (one, other) if other.source == MODEL else (other, one)
    words = set(_WORD.findall(model.message))
    return bool(words & _names(tool)) or _likeness(one.message, other.message) >= _ALIKE


def _names(finding: Finding) -> set[str]:
    return set(_QUOTED.findall(finding.message))


def _likeness(one: str, other: str) -> float:
    words = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    either = words[0] | words[1]
    return len(words[0] & words[1]) / len(either) if either else 0.0


def _joined(first: Finding, second: Finding) -> Finding:
    gravest = min(first.severity, second.severity, key=SEVERITIES.index)
    return replace(
        first,
        severity=gravest,
        confidence=max(first.confidence, second.confidence),
        suggestion=first.suggestion or second.suggestion,
    )
