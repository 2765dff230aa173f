"""Has the harness run examples in a sandbox, and reads what it answers.

It is told where the copy is and how the file is imported; which text is in the copy is not its matter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vivek.cancel import CancelToken
from vivek.verify import harness
from vivek.verify.examples import Example
from vivek.verify.modules import Module
from vivek.verify.report import Finding
from vivek.verify.sandbox import Limits, Outcome, run

EXAMPLE_SECONDS = 2.0
_LOADING_SECONDS = 20.0
_MOST_SECONDS = 40.0
_SPEC_CHARACTERS = 100_000
"""A single argument of a command can have 128 KiB."""

_PLAIN_PYTHON = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
"""The second: a set prints in the same order each time, and a prompt that tells it stays in the model's cache."""


@dataclass(frozen=True)
class Place:
    """A copy to run in. seen_at: where the project seems to be; file: the tested one, relative to it. beside: where
    modules are looked for last."""

    workspace: Path
    seen_at: Path
    file: Path
    readable: tuple[Path, ...]
    isolated: bool
    beside: tuple[Path, ...] = ()

    def environment(self, module: Module) -> dict[str, str]:
        """What makes Python take the copy's modules before an editable install's, where nothing is mounted."""
        if self.isolated:
            return dict(_PLAIN_PYTHON)
        roots = [str(self.seen_at / root) for root in module.roots]
        given = os.environ.get("PYTHONPATH", "")
        return {**_PLAIN_PYTHON, "PYTHONPATH": os.pathsep.join([*roots, *([given] if given else [])])}

    def run(
        self, command: Sequence[str], env: Mapping[str, str], seconds: float, cancel: CancelToken
    ) -> Outcome:
        """Run a command in it."""
        return run(
            command,
            workspace=self.workspace,
            over=self.seen_at,
            readable=self.readable,
            limits=Limits(seconds=seconds),
            env=env,
            cancel=cancel,
            isolate=self.isolated,
        )


@dataclass(frozen=True)
class Ran:
    """What the harness answered. failed: why the file could not be loaded, "" where it could. results: by the
    example's place in what was given."""

    failed: str
    loaded: str
    results: Mapping[int, Mapping[str, Any]]
    seconds: float


def run_harness(
    place: Place, module: Module, python: Path, examples: Sequence[Example], cancel: CancelToken
) -> Ran:
    """Load the file in the copy and run examples on it. Raises VerifyUnavailableError and RunStoppedError."""
    spec = json.dumps(
        {
            "file": str(place.seen_at / place.file),
            "module": module.name,
            "roots": [str(place.seen_at / root) for root in module.roots],
            "fallback": [str(folder) for folder in place.beside],
            "seconds": EXAMPLE_SECONDS,
            "sessions": _sessions(examples),
        }
    )
    seconds = min(_LOADING_SECONDS + EXAMPLE_SECONDS * len(examples), _MOST_SECONDS)
    command = [str(python), "-c", _source(), spec]
    outcome = place.run(command, place.environment(module), seconds, cancel)
    return _read(outcome)


def findings_of(examples: Sequence[Example], results: Mapping[int, Mapping[str, Any]]) -> list[Finding]:
    """A finding for each example that was run and checks something, and for each statement that failed."""
    findings: list[Finding] = []
    broken: set[int] = set()
    for number, example in enumerate(examples):
        result = results.get(number)
        if result is None:
            continue
        error, passed = str(result["error"]), bool(result["passed"])
        if not passed and example.session in broken and _is_echo(error):
            continue
        if not passed:
            broken.add(example.session)
        expected = (example.raises or example.expected).rstrip("\n")
        if expected or not passed:
            findings.append(
                Finding(example.expression, expected, str(result["got"]), error, passed, example.source)
            )
    return findings


def _is_echo(error: str) -> bool:
    """Whether a statement fails because one before it did: a name is not there that it would have bound."""
    return error.startswith("NameError") and "(line " not in error


def _sessions(examples: Sequence[Example]) -> list[list[dict[str, Any]]]:
    sessions: dict[int, list[dict[str, Any]]] = {}
    size = 0
    for number, example in enumerate(examples):
        told = {
            "index": number,
            "kind": example.kind,
            "expression": example.expression,
            "expected": example.expected,
            "raises": example.raises,
            "flags": example.flags,
        }
        size += len(json.dumps(told))
        if size > _SPEC_CHARACTERS:
            break
        sessions.setdefault(example.session, []).append(told)
    return list(sessions.values())


def _read(outcome: Outcome) -> Ran:
    failed, loaded = "", ""
    results: dict[int, Mapping[str, Any]] = {}
    for message in _messages(outcome.stdout):
        if "index" in message:
            results[int(message["index"])] = message
        loaded = message.get("loaded", loaded)
        failed = message.get("error", "") if "failed" in message else failed
    if not failed and not loaded:
        failed = outcome.why or _last_line(outcome.stderr) or f"Python ended with status {outcome.code}"
    return Ran(failed, loaded, results, outcome.seconds)


def _messages(text: str) -> list[dict[str, Any]]:
    messages = []
    for line in text.splitlines():
        try:
            message = json.loads(line)
        except ValueError:  # cut, or printed by what the harness could not keep from it
            continue
        if isinstance(message, dict):
            messages.append(message)
    return messages


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@cache
def _source() -> str:
    return Path(harness.__file__).read_text(encoding="utf-8")
