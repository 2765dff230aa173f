"""A review in SARIF 2.1.0, the format that code hosts read: results, their rules, and the content keys of findings.

Plain data; which file it goes into is for the caller. What is folded is no result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from vivek.review.finding import Finding, Review, Severity
from vivek.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS: dict[Severity, str] = {
    "error": "error",
    "warning": "warning",
    "information": "note",
    "hint": "note",
}

_FINGERPRINT = "vivekContentKey/v1"


def sarif(review: Review, root: Path) -> dict[str, Any]:
    """The log of one run. root: the folder that paths are told relative to."""
    rules = list(dict.fromkeys(_rule_id(finding) for finding in review.findings))
    driver = {
        "name": "Vivek",
        "version": VERSION,
        "semanticVersion": VERSION,
        "rules": [_rule(rule, review.findings) for rule in rules],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules, root) for finding in review.findings],
        "invocations": [_invocation(review, root)],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule_id(finding: Finding) -> str:
    """``ruff/F821``, ``model/error-handling``: a tool's own rule, or else the category."""
    tool, _, rule = finding.source.partition(" ")
    named = rule if rule and not rule.startswith("server") else finding.category
    return f"{_slug(tool)}/{_slug(named)}"


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-") or "unnamed"


def _rule(rule: str, findings: Sequence[Finding]) -> dict[str, Any]:
    first = next(finding for finding in findings if _rule_id(finding) == rule)
    return {
        "id": rule,
        "shortDescription": {"text": f"{first.category} ({first.source})"},
        "defaultConfiguration": {"level": _LEVELS[first.severity]},
        "properties": {"tags": [first.category]},
    }


def _result(finding: Finding, rules: Sequence[str], root: Path) -> dict[str, Any]:
    rule = _rule_id(finding)
    message = " ".join(part for part in (finding.message, finding.suggestion) if part)
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": _sound(message)},
        "locations": [_location(finding, root)],
        "partialFingerprints": {_FINGERPRINT: finding.key},
        "rank": round(100 * finding.confidence, 1),
        "properties": {"severity": finding.severity, "source": finding.source, "category": finding.category},
    }


def _location(finding: Finding, root: Path) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "endLine": finding.end_line,
        "snippet": {"text": _sound(finding.quote)},
    }
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.path, root)},
            "region": region,
        }
    }
    if finding.block:
        place["logicalLocations"] = [{"name": _sound(finding.block)}]
    return place


def _invocation(review: Review, root: Path) -> dict[str, Any]:
    """What was not looked at is told as notifications."""
    notes = [
        {
            "level": "note",
            "message": {"text": _sound(skipped.reason)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(skipped.path, root)},
                        "region": {"startLine": skipped.line, "endLine": skipped.end_line},
                    }
                }
            ],
        }
        for skipped in review.skipped
    ]
    return {"executionSuccessful": review.error is None, "toolExecutionNotifications": notes}


def _uri(path: str, root: Path) -> str:
    """A relative reference below the root, an absolute one elsewhere; "unnamed" for a buffer without a file."""
    if not path:
        return "unnamed"
    absolute = (root / path).absolute()
    if absolute.is_relative_to(root.absolute()):
        below = PurePath(absolute.relative_to(root.absolute())).as_posix()
        return quote(_bytes(below))
    return "file://" + quote(_bytes(absolute.as_posix()))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _sound(text: str) -> str:
    """Text that every JSON reader takes: bytes that are no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "replace").decode("utf-8")
