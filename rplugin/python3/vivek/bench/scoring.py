"""Whether a candidate solves its task: its language's toolchain runs the task's tests on it, in the sandbox alone.

It knows no model, and not how a language is run: that is `toolchains`.
"""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from vivek.bench.task import Task
from vivek.bench.toolchains import Missing, Toolchain, check, toolchain
from vivek.cancel import CancelToken
from vivek.verify import sandbox

Status = Literal["pass", "fail", "syntax", "timeout", "skipped"]


@dataclass(frozen=True)
class Score:
    """What came of a candidate. detail: what it complained of, one line. isolated: whether namespaces held it."""

    status: Status
    detail: str = ""
    isolated: bool = True


class Scorer:
    """Scores candidates, one after another. Close it when done.

    A file that was not changed is run like any other: a task may turn out to be solved already.
    """

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._folder = tempfile.TemporaryDirectory(prefix="vivek-bench-", ignore_cleanup_errors=True)

    def score(self, task: Task, tools: Toolchain, code: str) -> Score:
        """Run the task's tests on the code. Raises VerifyUnavailableError, RunStoppedError."""
        run = partial(sandbox.run, cancel=self._cancel)
        # For each language its own: a compiler keeps there what it need not do again.
        folder = Path(self._folder.name).resolve() / tools.language
        verdict = check(tools, code, task.tests, secrets.token_hex(16), folder=folder, run=run)
        return Score(verdict.status, verdict.told[:500], verdict.isolated)

    def close(self) -> None:
        """Remove what the toolchains left behind."""
        self._folder.cleanup()


def tools_for(task: Task) -> Toolchain | Missing:
    """The toolchain of the task's language; Missing tells why there is none."""
    return toolchain(task.language)
