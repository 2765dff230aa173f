"""Runs tests that were just written, in a copy of the project, and reads what came of them.

It is told where the copy is; which text is in it is not its matter.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from vivek.cancel import CancelToken
from vivek.verify import testrunner
from vivek.verify.junit import findings_in
from vivek.verify.modules import Module
from vivek.verify.report import Finding
from vivek.verify.running import Place

WRITTEN = "test_vivek_written.py"
"""The file of the tests, in a folder of the copy."""

_REPORT = ".vivek-written.xml"
_SECONDS = 15.0
_TAIL_LINES = 6


def run_written(
    place: Place, module: Module, python: Path, tests: str, cancel: CancelToken, *, folder: Path = Path()
) -> tuple[tuple[Finding, ...], float]:
    """A finding for each test, and the seconds that it took; a single one where they could not be run at all.

    Its `source` is the test's name, a method's as ``Class.method``. Raises VerifyUnavailableError, RunStoppedError.
    """
    file = _file(place, folder)
    (place.workspace / file).write_bytes(tests.encode("utf-8", "surrogateescape"))
    environment = place.environment(module)
    folders = [*(place.seen_at / root for root in module.roots), *place.beside]
    given = os.environ.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, folders), *([given] if given else [])])
    command = [str(python), "-c", _source(), str(file), _REPORT]
    outcome = place.run(command, environment, _SECONDS, cancel)
    if outcome.ended != "exited":
        return (Finding("the tests", "", "", outcome.why, passed=False),), outcome.seconds
    found = [_named(finding) for finding in findings_in(place.workspace / _REPORT)]
    if not found or (outcome.code and all(finding.passed for finding in found)):
        told = _tail(outcome.stdout, outcome.stderr) or f"exit status {outcome.code}"
        found.append(Finding("the tests", "", "", told, passed=False))
    return tuple(found), outcome.seconds


def _file(place: Place, folder: Path) -> Path:
    """Where the tests stand, the folder made; at the root of the copy where the folder is none of it."""
    inside = (place.workspace / folder).resolve().is_relative_to(place.workspace)
    chosen = folder if inside else Path()
    (place.workspace / chosen).mkdir(parents=True, exist_ok=True)
    return chosen / WRITTEN


def _named(finding: Finding) -> Finding:
    """A finding with its test's name as the text of the tests has it."""
    stem = Path(WRITTEN).stem
    name = finding.source.rpartition(f"{stem}.")[2].partition("[")[0]
    expression = name if finding.expression == finding.source else finding.expression
    return Finding(expression, finding.expected, finding.got, finding.error, finding.passed, name)


def _tail(*texts: str) -> str:
    lines = [line.rstrip() for text in texts for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E  ")]
    return "\n".join((errors or lines)[-_TAIL_LINES:])


@cache
def _source() -> str:
    return Path(testrunner.__file__).read_text(encoding="utf-8")
