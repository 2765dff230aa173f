"""What running the user's examples and tests says: of the code as it is, for the prompt; of a candidate, as checks.

Nothing is run unless the user switched it on: then `Ports.verifier` is there. What to do about a failure is not decided
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from vivek.agent.assemble import Assembled
from vivek.agent.fault import wants_repair
from vivek.agent.state import Ports, Target
from vivek.checks.edit import Check, failed, passed
from vivek.request import AskRequest
from vivek.verify.examples import Example, examples_of
from vivek.verify.report import Finding, Report, Verifier

EXAMPLES, TESTS = "examples", "tests"
"""Names of the checks."""

TOLD = 3
"""Failures that a prompt names; with more of them a small model loses the thread."""

LEAST_WEIGHT, MORE_WEIGHT = 0.41, 0.4
"""What an edit loses that fails: with one failure among many it is just below the threshold of 0.6, so that it is tried
again; where all fail it keeps 0.19. In between, the attempt that fails fewer wins."""

ADVICE_WEIGHT = 0.2
"""What it loses where a failure may be meant: whoever changes what a function gives leaves old examples behind."""

_VALUE_CHARACTERS = 200


def failures_now(ports: Ports, target: Target) -> str:
    """What fails with the code as it is, a line each, for the first prompt; "" where nothing does, or nothing is run.

    Only where the instruction is to mend something: else a failure that has nothing to do with it leads the model away.
    Raises RunStoppedError.
    """
    request, verifier = ports.request, ports.verifier
    if verifier is None or not wants_repair(request.instruction):
        return ""
    reports = [
        verifier.examples(request.text, target["first"], target["last"], ports.cancel),
        verifier.tests(request.text, ports.cancel),
    ]
    found = list(dict.fromkeys(_told(finding) for report in reports for finding in report.failures))
    return "\n".join(f"- {line}" for line in found[:TOLD])


def evidence(ports: Ports, target: Target, after: Assembled) -> list[Check]:
    """What running a candidate says, a check for each kind that ran. Raises RunStoppedError."""
    verifier, request = ports.verifier, ports.request
    if verifier is None:
        return []
    checks = []
    examples = _examples(request, target, after)
    if examples:
        report = verifier.run_examples(after.text, examples, ports.cancel)
        checks += _judged(EXAMPLES, report, decides=wants_repair(request.instruction))
    checks += _tests(verifier, ports, after)
    return checks


def _examples(request: AskRequest, target: Target, after: Assembled) -> list[Example]:
    """The examples that count: the user's own where a fault is mended, for a model may alter what it fails; else those
    that the new code comes with."""
    if wants_repair(request.instruction):
        return examples_of(request.text, target["first"], target["last"], request.filetype)
    return examples_of(after.text, after.first, after.last, request.filetype)


def _tests(verifier: Verifier, ports: Ports, after: Assembled) -> list[Check]:
    """The user's tests. What fails just as it did before says nothing of a candidate, unless it was to be mended; what
    fails in another way does, for the new code is what it tests."""
    report = verifier.tests(after.text, ports.cancel)
    if report.failures and not wants_repair(ports.request.instruction):
        before = {_told(finding) for finding in verifier.tests(ports.request.text, ports.cancel).failures}
        kept = [found for found in report.findings if found.passed or _told(found) not in before]
        report = replace(report, findings=tuple(kept))
    return _judged(TESTS, report, decides=True)


def _judged(name: str, report: Report, *, decides: bool) -> list[Check]:
    if not report.ran:
        return []
    failures = report.failures
    if not failures:
        return [passed(name, LEAST_WEIGHT)]
    share = len(failures) / len(report.findings)
    weight = LEAST_WEIGHT + MORE_WEIGHT * share if decides else ADVICE_WEIGHT
    return [failed(name, weight, listed(failures))]


def listed(failures: Iterable[Finding]) -> str:
    """The first failures in one line."""
    lines = list(dict.fromkeys(_told(finding) for finding in failures))
    more = f" {len(lines) - TOLD} more fail." if len(lines) > TOLD else ""
    return "; ".join(lines[:TOLD]) + "." + more


def _told(finding: Finding) -> str:
    """A failure in the words of a prompt.

    >>> _told(Finding("half(3)", "1.5", "1", "", False))
    '`half(3)` gives 1, but should give 1.5'
    """
    came = f"raises {finding.error}" if finding.error else f"gives {_short(finding.got)}"
    wanted = f", but should give {_short(finding.expected)}" if finding.expected else ""
    return f"`{_short(finding.expression)}` {came}{wanted}"


def _short(value: str) -> str:
    flat = " ".join(value.split())
    return flat if len(flat) <= _VALUE_CHARACTERS else flat[: _VALUE_CHARACTERS - 1] + "…"
