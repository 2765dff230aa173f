"""What static tools say of a text, as findings: ruff and Vivek's own rules for Python, grammars, language servers.

Nothing is run and no model is asked. Where two tools say the same, one finding is left.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence

from vivek.cancel import CancelToken
from vivek.checks.facts import facts
from vivek.checks.syntax import broken_lines
from vivek.context.blocks import block_at
from vivek.errors import InstallError
from vivek.grammar import FILETYPES
from vivek.request import line_count
from vivek.review.finding import SEVERITIES, Category, Finding, Severity
from vivek.review.merging import merged, twin_of
from vivek.review.request import ReviewRequest
from vivek.review.ruff import Kind, Violation, violations

MOST_BROKEN = 20
"""Syntax errors of one file that are told: after the first few they follow from each other."""

_CERTAIN = (
    "unset",
    "endless",
    "stuck-bisection",
    "stuck-halving",
    "same-recursion",
    "past-the-end",
    "misfit",
)
"""Vivek's own rules whose findings are errors."""

_MACROS = frozenset({"c", "cpp", "cuda", "sh", "bash"})
"""What a grammar cannot always read, however right it is: macros, and a shell's many dialects."""

_OWN_CONFIDENCE = 0.85

_UNDEFINED = "F821"
_MOST_UNDEFINED = 5
_MADE_NAME = Kind("warning", "correctness", 0.4)
_MAKES_NAMES = re.compile(r"\b(?:globals\(\)|exec\(|_convert_\()")

_log = logging.getLogger(__name__)


Told = Callable[[Sequence[Finding]], None]


def static_findings(request: ReviewRequest, tell: Told, cancel: CancelToken) -> list[str]:
    """Ask the static tools; what could not be asked, a sentence each. Raises RunStoppedError.

    tell: is given the findings, in the order of lines, twice where a second set of rules takes its time.
    """
    places = _Places(request)
    servers = list(_of_servers(request, places))
    if request.filetype == "python":
        return _of_python(request, places, servers, tell, cancel)
    found = merged([*_broken(request, places, "tree-sitter"), *servers])
    tell(found)
    if found or request.filetype in FILETYPES or request.diagnostics:
        return []
    return [f"No static tool here knows {request.filetype or 'this kind of file'}."]


def _of_python(
    request: ReviewRequest, places: _Places, servers: Sequence[Finding], tell: Told, cancel: CancelToken
) -> list[str]:
    troubles = []
    try:
        found = merged([*_of_ruff(request, places), *servers])
    except InstallError as error:
        _log.warning("%s", error)
        troubles.append(f"{error.message} pyflakes was asked in its place.")
        found = merged([*_broken(request, places, "Python"), *servers])
    tell(found)
    more = merged(_of_facts(request, places, cancel, with_pyflakes=bool(troubles)))
    tell([finding for finding in more if twin_of(finding, found) is None])
    return troubles


class _Places:
    """The lines of a text, and what they are in."""

    def __init__(self, request: ReviewRequest) -> None:
        self._request = request
        self._lines = request.text.split("\n")

    def finding(
        self, line: int, kind: Kind, *, source: str, message: str, suggestion: str = "", end_line: int = 0
    ) -> Finding:
        """A finding on these lines; they are brought into the text, which a tool may count otherwise."""
        line = min(max(line, 1), max(line_count(self._request.text), 1))
        end_line = min(max(end_line, line), len(self._lines))
        block = block_at(self._request.text, self._request.filetype, line)
        return Finding(
            path=self._request.name,
            line=line,
            end_line=end_line,
            severity=kind.severity,
            category=kind.category,
            source=source,
            confidence=kind.confidence,
            quote="\n".join(self._lines[line - 1 : end_line]),
            message=_sentence(message),
            suggestion=_sentence(suggestion),
            block=block.name if block else "",
        )


def _of_ruff(request: ReviewRequest, places: _Places) -> Iterator[Finding]:
    found = violations(request.text, request.name)
    doubtful = _makes_names(request.text, found)
    broken = 0
    for one in found:
        broken += not one.rule
        if one.rule or broken <= MOST_BROKEN:
            source = f"ruff {one.rule}".strip()
            kind = _MADE_NAME if doubtful and one.rule == _UNDEFINED else one.kind
            yield places.finding(
                one.line, kind, source=source, message=one.message, suggestion=one.fix, end_line=_end(one)
            )


def _makes_names(text: str, found: Sequence[Violation]) -> bool:
    """Whether a file seems to make names while it runs: it says so, or uses many that nothing defines."""
    undefined = {one.message for one in found if one.rule == _UNDEFINED}
    return len(undefined) > _MOST_UNDEFINED or bool(undefined and _MAKES_NAMES.search(text))


def _end(violation: Violation) -> int:
    """A whole function that is marked for one thing in it says less than its first line."""
    return violation.end_line if violation.end_line - violation.line < 5 else violation.line


def _of_facts(
    request: ReviewRequest, places: _Places, cancel: CancelToken, *, with_pyflakes: bool
) -> Iterator[Finding]:
    last = len(request.text.split("\n"))
    for fact in facts(request.text, 1, last, "python", between=cancel.raise_if_cancelled):
        if fact.rule == "syntax" or (fact.rule == "pyflakes" and not with_pyflakes):
            continue
        source = fact.rule if fact.rule == "pyflakes" else f"vivek {fact.rule}"
        kind = _kind_of(fact.rule)
        yield places.finding(fact.line, kind, source=source, message=fact.message)


def _kind_of(rule: str) -> Kind:
    if rule == "unused-parameter":
        return Kind("hint", "unused", 0.6)
    return Kind("error" if rule in _CERTAIN else "warning", "correctness", _OWN_CONFIDENCE)


def _broken(request: ReviewRequest, places: _Places, source: str) -> Iterator[Finding]:
    doubtful = request.filetype in _MACROS
    kind = Kind("warning", "syntax", 0.5) if doubtful else Kind("error", "syntax", 0.95)
    for line, what in broken_lines(request.text, request.filetype)[:MOST_BROKEN]:
        yield places.finding(line, kind, source=source, message=what)


def _of_servers(request: ReviewRequest, places: _Places) -> Iterator[Finding]:
    confidence = dict(zip(SEVERITIES, (0.9, 0.7, 0.5, 0.4), strict=True))
    for item in request.diagnostics:
        severity: Severity = next((known for known in SEVERITIES if known == item.severity), "information")
        kind = Kind(severity, _category(item.message), confidence[severity])
        source = item.source or "language server"
        yield places.finding(item.line, kind, source=source, message=item.message)


def _category(message: str) -> Category:
    low = message.lower()
    if "unused" in low or "never used" in low or "not accessed" in low or "never read" in low:
        return "unused"
    return "syntax" if "syntax" in low or "parse error" in low else "correctness"


def _sentence(text: str) -> str:
    """A clause as a sentence: "`x` is not defined" as it is, "undefined name" as "Undefined name"; on one line."""
    plain = " ".join(text.split())
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?" else ".")
