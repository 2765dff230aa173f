"""What a review says: findings, what was not looked at, and how suspicious each block is.

Plain values that the editor, the command line and the reports share. Lines are 1-based and inclusive throughout. It
finds nothing itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, Literal, get_args

Severity = Literal["error", "warning", "information", "hint"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""

Category = Literal["syntax", "correctness", "error handling", "security", "performance", "unused", "style"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

MODEL = "model"
EXAMPLE = "example"

_KEY_LENGTH = 16


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where.

    path: as the review was asked about it. source: who says so: "ruff F821", a language server's name, "tree-sitter",
    "example" or "model". confidence: 0 to 1, the measured precision of such findings. quote: the offending lines as the
    file has them, without the last newline. block: the function or class it is in, "" outside of any.
    """

    path: str
    line: int
    end_line: int
    severity: Severity
    category: Category
    source: str
    confidence: float
    quote: str
    message: str
    suggestion: str = ""
    block: str = ""

    @property
    def key(self) -> str:
        """What is dismissed for good: it stays the same when lines move, or when the model words it otherwise."""
        tools_words = "" if self.source in (MODEL, EXAMPLE) else self.message
        quote = " ".join(self.quote.split())
        parts = (PurePath(self.path).name, self.block, self.source, quote, tools_words)
        text = "\0".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.sha256(text).hexdigest()[:_KEY_LENGTH]

    def report(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        told = asdict(self)
        del told["block"]
        return told

    def event(self) -> dict[str, Any]:
        """As the editor gets it: the report, the key to dismiss it by, and what it is in, for a fix."""
        return {**self.report(), "key": self.key, "block": self.block}


@dataclass(frozen=True)
class Skipped:
    """Lines that were not looked at, or not by all that could look, and why."""

    path: str
    line: int
    end_line: int
    reason: str


@dataclass(frozen=True)
class BlockReview:
    """How suspicious one block is.

    signals: what was measured, by name, e.g. "doubt" (nats, see `review.doubt`). suspicion: the calibrated probability
    that the block has a bug, None where no signal was had.
    """

    name: str
    first: int
    last: int
    suspicion: float | None
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Review:
    """All that one review found.

    folded: findings too unsure to be shown as fact; they never count. dismissed: how many findings the project
    silenced. ungrounded: how many of the model's findings quoted what is not in their block, and were dropped. calls:
    the model's, as an ask reports them. complete: False where the review ended before its end. summary: one line on the
    quality of what was looked at. error: why the model did not read it all (kind, message, hint, partial), None where
    it did.
    """

    findings: tuple[Finding, ...] = ()
    folded: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    dismissed: int = 0
    ungrounded: int = 0
    blocks: tuple[BlockReview, ...] = ()
    calls: tuple[Mapping[str, Any], ...] = ()
    complete: bool = True
    summary: str = ""
    error: Mapping[str, str] | None = None

    @property
    def has_errors(self) -> bool:
        """Whether a finding of severity "error" stands: what a script's exit status tells."""
        return any(finding.severity == "error" for finding in self.findings)

    def report(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "findings": [finding.report() for finding in self.findings],
            "folded": [finding.report() for finding in self.folded],
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "dismissed": self.dismissed,
            "ungrounded": self.ungrounded,
            "blocks": [{**asdict(block), "signals": dict(block.signals)} for block in self.blocks],
            "calls": [dict(call) for call in self.calls],
            "complete": self.complete,
            "summary": self.summary,
            "error": dict(self.error) if self.error else None,
        }
