"""What was run and what came of it, as plain data, and the port through which the agent asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vivek.cancel import CancelToken
from vivek.verify.examples import Example


@dataclass(frozen=True)
class Finding:
    """One example or test.

    expression: what was evaluated, or the test's name. got: the value as Python writes it, "" where there is none.
    error: what was raised, with the line of the tested file, as in "ZeroDivisionError: division by zero (line 7:
    `return a / b`)"; or that it did not end. source: the definition whose docstring has the example, or the test.
    """

    expression: str
    expected: str
    got: str
    error: str
    passed: bool
    source: str = ""


@dataclass(frozen=True)
class Report:
    """What a run found.

    ran: whether the findings say something about the text. why_not: where they do not, "cannot verify: ..."; that
    there was nothing to run, where there was not. isolated: whether namespaces held what ran.
    """

    ran: bool
    why_not: str = ""
    findings: tuple[Finding, ...] = ()
    isolated: bool = True
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that did not pass."""
        return tuple(finding for finding in self.findings if not finding.passed)


class Verifier(Protocol):
    """Runs what the user switched on. Every method blocks, and raises RunStoppedError alone."""

    def examples(self, text: str, first: int, last: int, cancel: CancelToken) -> Report:
        """Find the examples of these lines (1-based, inclusive) of a text, and run them on that text."""

    def run_examples(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        """Run given examples on a text, such as those of the user's own text on what a model made of it."""

    def tests(self, text: str, cancel: CancelToken) -> Report:
        """Run the user's test command on the project, with a text in the place of the file."""

    def run_tests(self, text: str, tests: str, cancel: CancelToken, folder: Path = Path()) -> Report:
        """Run tests that were written for the file, with a text in the place of the file. Python alone.

        folder: where they stand, relative to the project's.
        """
