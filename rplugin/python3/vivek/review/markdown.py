"""A review as a Markdown report: for the editor's report buffer, a file, or a pull request.

Each place is written as ``path:line`` in backticks, which is what the editor jumps to. It shows what a review has and
computes nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from vivek.grammar import filetype_of
from vivek.prompts.layout import fenced
from vivek.review.finding import SEVERITIES, Finding, Review, Skipped
from vivek.review.summary import counted, counts_of

_SHOWN_LINES = 6
"""Lines of one quote that are shown."""


def markdown(review: Review, name: str, filetype: str = "") -> str:
    """The report, ending in a newline. name: what was reviewed. filetype: "" where the names of files tell it."""
    return "\n".join(_lines(review, name, filetype)).rstrip("\n") + "\n"


def _lines(review: Review, name: str, filetype: str) -> Iterator[str]:
    yield f"# Review of {_plain(name)}"
    yield from ("", review.summary)
    if not review.complete:
        why = review.error["message"] if review.error else "It was stopped"
        yield from ("", f"**Not complete:** {_plain(why).rstrip('.')}. What was found until then is below.")
    for _severity, group in groupby(_gravest(review.findings), key=lambda finding: finding.severity):
        own = list(group)
        yield from ("", f"## {counts_of(own)}")
        for finding in own:
            yield from _finding(finding, filetype)
    if review.folded:
        yield from ("", f"## Unsure ({len(review.folded)})", "")
        yield "The model said these, and such findings are wrong more often than not. They count for nothing."
        for finding in review.folded:
            yield from _finding(finding, filetype)
    if review.skipped:
        yield from ("", "## Not looked at", "")
        yield from (_skipped(skipped) for skipped in review.skipped)
    notes = _notes(review)
    if notes:
        yield from ("", notes)


def _finding(finding: Finding, filetype: str) -> Iterator[str]:
    yield from ("", f"### `{finding.path}:{finding.line}`{_within(finding)}", "")
    yield f"{_plain(finding.message)} _({finding.source}, {finding.confidence:.0%} sure, {finding.category})_"
    quote = finding.quote.split("\n")
    if finding.quote.strip():
        shown = "\n".join(quote[:_SHOWN_LINES])
        yield from ("", fenced(shown, filetype or filetype_of(finding.path)))
    if finding.suggestion:
        yield from ("", f"{_plain(finding.suggestion)}")


def _within(finding: Finding) -> str:
    return f" in `{finding.block}`" if finding.block else ""


def _skipped(skipped: Skipped) -> str:
    lines = f"{skipped.line}" if skipped.line == skipped.end_line else f"{skipped.line}-{skipped.end_line}"
    return f"- `{skipped.path}:{lines}`: {_plain(skipped.reason)}"


def _notes(review: Review) -> str:
    notes = []
    if review.dismissed:
        notes.append(
            f"{counted(review.dismissed, 'finding is', 'findings are')} dismissed in `.vivek/dismissed`."
        )
    if review.ungrounded:
        told = counted(review.ungrounded, "finding", "findings")
        notes.append(f"{told} of the model quoted what is not there, and were dropped.")
    return " ".join(notes)


def _gravest(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.path, one.line))


def _plain(text: str) -> str:
    """A model's or a tool's words on one line, so that they cannot become headings or fences."""
    return " ".join(text.split())
