"""Tests that were written for a target: taken from the reply, checked by their text, and run where running is trusted.

They must pass on the code as it is, and fail on at least one broken copy of it. Tests that the code as it is fails are
left out where others pass: whether the test or the code is wrong is for the user to say, who is told.
"""

from __future__ import annotations

from pathlib import Path

from vivek.agent.evidence import listed
from vivek.agent.state import Attempt, Ports, Target
from vivek.agent.subject import subject_of
from vivek.checks.edit import Check, failed, passed
from vivek.checks.written import check_tests
from vivek.edits.python_tests import left_out, tidied
from vivek.edits.reply import extract
from vivek.edits.unittest_style import as_test_case, case_name
from vivek.edits.written_tests import tidied_lines
from vivek.prompts.layout import fenced
from vivek.request import AskRequest
from vivek.verify.mutants import mutants_of
from vivek.verify.report import Finding, Verifier

PASS, CATCH = "tests pass", "tests catch broken copies"
"""Names of the checks."""

_PASS_WEIGHT, _CATCH_WEIGHT = 0.6, 0.45
"""Each brings tests below the threshold of 0.6 by itself; such as check nothing are still better than such as fail."""


def tests_of(request: AskRequest, target: Target, reply: str) -> str:
    """The tests of a reply, with the right import and in the project's framework; "" where it holds no code."""
    code = extract(reply, request.filetype).code or ""
    if not code.strip():
        return ""
    subject = subject_of(request, target)
    if request.filetype != "python":
        return tidied_lines(code, subject.names, subject.statement, request.filetype)
    tests = tidied(code, subject.names, subject.statement)
    if request.suite is not None and request.suite.framework == "unittest" and subject.names:
        return as_test_case(tests, case_name(subject.names[0]))
    return tests


def checked(request: AskRequest, target: Target, tests: str) -> list[Check]:
    """What the text of the tests says."""
    return check_tests(tests, request.filetype, subject_of(request, target).names)


def tried(ports: Ports, target: Target, attempt: Attempt) -> tuple[Attempt, list[Check]]:
    """The attempt with its tests as they can be offered, and what running them says; nothing where they cannot be run.

    Raises RunStoppedError.
    """
    verifier, request, tests = ports.verifier, ports.request, attempt["tests"]
    if verifier is None or request.filetype != "python":
        return attempt, []
    report = verifier.run_tests(request.text, tests, ports.cancel, _folder(ports))
    if not report.ran:
        return {**attempt, "told": f"The tests were not run: {report.why_not}."}, []
    fails = report.failures
    passing = [finding for finding in report.findings if finding.passed]
    if fails and passing:
        tests = left_out(tests, {finding.source for finding in fails})
        report = verifier.run_tests(request.text, tests, ports.cancel, _folder(ports))
    if not report.ran or report.failures:
        detail = f"The code as it is fails the tests: {listed(fails)}"
        return attempt, [failed(PASS, _PASS_WEIGHT, detail)]
    caught, of = _caught(ports, verifier, target, tests)
    told = _told(len(report.findings), fails, caught, of)
    return {**attempt, "tests": tests, "told": told}, [passed(PASS, _PASS_WEIGHT), *_catching(caught, of)]


def answer_of(request: AskRequest, attempt: Attempt) -> str:
    """The tests as an answer: one fenced block, and what is known of it."""
    told = attempt.get("told", "")
    return fenced(attempt["tests"], request.filetype) + (f"\n\n{told}" if told else "")


def _folder(ports: Ports) -> Path:
    """Where the tests are to stand, so that they have the fixtures of that place."""
    return ports.request.suite.folder if ports.request.suite is not None else Path()


def _caught(ports: Ports, verifier: Verifier, target: Target, tests: str) -> tuple[int, int]:
    """How many broken copies of the target the tests fail on, and of how many."""
    caught = of = 0
    for mutant in mutants_of(ports.request.text, target["first"], target["last"]):
        report = verifier.run_tests(mutant.text, tests, ports.cancel, _folder(ports))
        of += report.ran
        caught += bool(report.ran and report.failures)
    return caught, of


def _catching(caught: int, of: int) -> list[Check]:
    if not of:
        return []
    if caught:
        return [passed(CATCH, _CATCH_WEIGHT)]
    detail = f"The tests notice none of {of} faults put into the code: compare results with exact values."
    return [failed(CATCH, _CATCH_WEIGHT, detail)]


def _told(count: int, fails: tuple[Finding, ...], caught: int, of: int) -> str:
    """What running came to, in a sentence or two.

    >>> _told(3, (), 5, 6)
    '3 tests pass on the code as it is, and fail on 5 of 6 broken copies of it.'
    """
    some = "1 test passes" if count == 1 else f"{count} tests pass"
    fail = "fails" if count == 1 else "fail"
    told = f"{some} on the code as it is" + (
        f", and {fail} on {caught} of {of} broken copies of it." if of else "."
    )
    if fails:
        others = "1 more was" if len(fails) == 1 else f"{len(fails)} more were"
        told += f" {others} left out, since the code as it is fails: {listed(fails)}"
    return told
