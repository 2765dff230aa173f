"""The verifier of one ask: puts a candidate into a fresh copy of the project, and runs there what is switched on.

It bridges the copy, the sandbox, the examples and the test command to reports. A result counts only if it speaks of
the copy; what fails just so with the user's own text says nothing of a candidate, and is told as "cannot verify".
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vivek.cancel import CancelToken
from vivek.errors import VerifyUnavailableError
from vivek.verify.command import Verdict, judge, prepared
from vivek.verify.copying import Excluded, Plan, plan
from vivek.verify.examples import Example, examples_of
from vivek.verify.modules import Module, module_of
from vivek.verify.namespaces import isolation
from vivek.verify.report import Finding, Report
from vivek.verify.running import Place, Ran, findings_of, run_harness
from vivek.verify.writing import run_written

_CANNOT = "cannot verify: "
TEST_SECONDS = 60.0


@dataclass(frozen=True)
class Subject:
    """What is verified. file: the file's path, without links. root: its project's folder, None where it has none.
    original: the user's text. python: what runs it. excluded: what the ignore files keep out of the copy."""

    file: Path
    root: Path | None
    original: str
    language: str
    python: Path
    excluded: Excluded = lambda _path: None


class ProjectVerifier:
    """`vivek.verify.report.Verifier` for one file. For the copy, the project is looked through once.

    run_examples, test: what the user switched on; the test command is "" where there is none. isolate: as for
    `vivek.verify.sandbox.run`.
    """

    def __init__(
        self, subject: Subject, *, run_examples: bool, test: str, isolate: bool | None = None
    ) -> None:
        self._subject = subject
        self._run_examples = run_examples
        self._test = test
        self._isolated = isolation().available if isolate is None else isolate
        self._plan: Plan | None = None
        self._loading: str | None = None
        self._baseline: Verdict | None = None

    def examples(self, text: str, first: int, last: int, cancel: CancelToken) -> Report:
        """Find the examples of these lines of a text, and run them on it."""
        return self.run_examples(text, examples_of(text, first, last, self._subject.language), cancel)

    def run_examples(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        """Run given examples on a text."""
        if not self._run_examples:
            return self._nothing("running examples is not switched on")
        if not examples:
            return self._nothing("there are no examples")
        return self._told(lambda: self._examples(text, examples, cancel))

    def tests(self, text: str, cancel: CancelToken) -> Report:
        """Run the test command with a text in the place of the file."""
        if not self._test:
            return self._nothing("no test command is set")
        return self._told(lambda: self._tests(text, cancel))

    def run_tests(self, text: str, tests: str, cancel: CancelToken, folder: Path = Path()) -> Report:
        """Run the text of a test file on a text: whatever is switched on, the user trusts the project to be run.

        folder: where it stands, relative to the project's; the fixtures of that place are its own.
        """
        if self._subject.language != "python":
            return self._nothing("only tests of Python can be run")
        return self._told(lambda: self._written(text, tests, cancel, folder))

    def _examples(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        ran = self._ran(text, examples, cancel)
        if ran.failed:
            if text == self._subject.original or self._loading_fails(cancel):
                return self._cannot(f"the file cannot be imported: {ran.failed}", ran.seconds)
            imported = Finding(f"import {self._subject.file.stem}", "", "", ran.failed, passed=False)
            return Report(True, "", (imported,), self._isolated, ran.seconds)
        findings = tuple(findings_of(examples, ran.results))
        return Report(
            bool(findings),
            "" if findings else f"{_CANNOT}no example could be run",
            findings,
            self._isolated,
            ran.seconds,
        )

    def _loading_fails(self, cancel: CancelToken) -> bool:
        """Whether the user's own text cannot be imported either."""
        if self._loading is None:
            self._loading = self._ran(self._subject.original, (), cancel).failed
        return bool(self._loading)

    def _ran(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Ran:
        with self._copy(text, cancel) as (place, module):
            ran = run_harness(place, module, self._subject.python, examples, cancel)
            if ran.loaded:
                self._hold(place, ran)
            return ran

    def _tests(self, text: str, cancel: CancelToken) -> Report:
        verdict = self._verdict(text, cancel)
        if verdict.ill and self._verdict(self._subject.original, cancel).ill:
            return self._cannot(f"the test command does not work: {verdict.ill}", verdict.seconds)
        return Report(True, "", verdict.findings, self._isolated, verdict.seconds)

    def _written(self, text: str, tests: str, cancel: CancelToken, folder: Path) -> Report:
        with self._copy(text, cancel) as (place, module):
            if not place.isolated:
                self._hold(place, run_harness(place, module, self._subject.python, (), cancel))
            findings, seconds = run_written(place, module, self._subject.python, tests, cancel, folder=folder)
        return Report(True, "", findings, self._isolated, seconds)

    def _verdict(self, text: str, cancel: CancelToken) -> Verdict:
        """What the test command says of a text; for the user's own it is run once."""
        if text == self._subject.original and self._baseline is not None:
            return self._baseline
        with self._copy(text, cancel) as (place, module):
            if not place.isolated and self._subject.language == "python":
                ran = run_harness(place, module, self._subject.python, (), cancel)
                self._hold(place, ran)
            command, environment = prepared(self._test, place.file, self._subject.python)
            environment = {**place.environment(module), **environment}
            outcome = place.run(command, environment, TEST_SECONDS, cancel)
            verdict = judge(command, outcome, place.workspace)
        if text == self._subject.original:
            self._baseline = verdict
        return verdict

    def _hold(self, place: Place, ran: Ran) -> None:
        """Raise VerifyUnavailableError where what was loaded is not the copy's."""
        if not ran.loaded:
            raise VerifyUnavailableError(f"It is not sure that the tests see the copy: {ran.failed}.")
        if Path(ran.loaded) != place.seen_at / place.file:
            raise VerifyUnavailableError(f"What Python imports is not the copy, but {ran.loaded}.")

    @contextmanager
    def _copy(self, text: str, cancel: CancelToken) -> Iterator[tuple[Place, Module]]:
        """A fresh copy with a text in the place of the file; gone at the end."""
        with tempfile.TemporaryDirectory(prefix="vivek-copy-", ignore_cleanup_errors=True) as folder:
            workspace = Path(folder).resolve()
            place = self._filled(workspace, cancel)
            target = workspace / place.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
            yield place, module_of(workspace, place.file, text)

    def _filled(self, workspace: Path, cancel: CancelToken) -> Place:
        subject = self._subject
        if subject.root is None:
            name = Path(subject.file.name)
            return Place(workspace, workspace, name, (), self._isolated, beside=(subject.file.parent,))
        self._plan = self._plan or plan(subject.root, subject.excluded, cancel)
        self._plan.make(workspace, cancel)
        seen_at = self._plan.root if self._isolated else workspace
        file = subject.file.relative_to(self._plan.root)
        return Place(workspace, seen_at, file, self._plan.readable, self._isolated)

    def _told(self, work: Callable[[], Report]) -> Report:
        try:
            return work()
        except VerifyUnavailableError as error:
            return self._cannot(f"{error.message[:1].lower()}{error.message[1:]}".rstrip("."), 0.0)

    def _cannot(self, reason: str, seconds: float) -> Report:
        return Report(False, _CANNOT + reason, (), self._isolated, seconds)

    def _nothing(self, reason: str) -> Report:
        return Report(False, reason, (), self._isolated)


def isolation_notice() -> str:
    """What the user is told once where nothing can be isolated; "" where it can."""
    found = isolation()
    if found.available:
        return ""
    return (
        f"Examples and tests run on a copy of the project, but without isolation: {found.why_not}. "
        "They could still write to other files or use the network. Install bubblewrap, or allow user namespaces."
    )
