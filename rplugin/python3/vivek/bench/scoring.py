"""Whether a candidate solves its task: the code and the task's tests in one program, run in the sandbox.

The program counts only where it comes to its very end: a word that is drawn anew each time is printed there, so that a
candidate which leaves early with success is told from one that passed. It knows no model.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vivek.bench.tasks import Task
from vivek.cancel import CancelToken
from vivek.verify import sandbox
from vivek.verify.sandbox import Limits

Status = Literal["pass", "fail", "syntax", "timeout", "skipped"]


@dataclass(frozen=True)
class Score:
    """What came of a candidate. detail: the last line of what it complained of. isolated: see the sandbox."""

    status: Status
    detail: str = ""
    seconds: float = 0.0
    isolated: bool = True


@dataclass(frozen=True)
class Toolchain:
    """How a language's programs are run.

    candidate: the name of the file that is asked about. file: the program's name. program: (code, tests, word) -> its
    text. command: what runs it, given the program's name as its last word. lacking: why it cannot be run here, "" where
    it can. fault: why a candidate cannot even be run, "" where it can.
    """

    candidate: str
    file: str
    program: Callable[[str, str, str], str]
    command: Callable[[], list[str]]
    lacking: Callable[[], str]
    fault: Callable[[str], str]


def _python_program(code: str, tests: str, word: str) -> str:
    return f"{code}\n\n{tests}\nprint({word!r})\n"


def _python_fault(code: str) -> str:
    """Why the code does not compile, "" where it does."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "candidate", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return str(error) or type(error).__name__
    return ""


_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
"""So that a candidate comes to the same end each time."""

TOOLCHAINS: Mapping[str, Toolchain] = {
    "python": Toolchain("program.py", "t.py", _python_program, lambda: [sys.executable], lambda: "", _python_fault),
}


def lacking(task: Task) -> str:
    """Why the task cannot be run on this machine; "" where it can."""
    toolchain = TOOLCHAINS.get(task.language)
    return toolchain.lacking() if toolchain else f"no toolchain is known for {task.language}"


def score(task: Task, code: str, cancel: CancelToken, limits: Limits = Limits()) -> Score:  # noqa: B008 (frozen)
    """Run the candidate with the task's tests. Raises VerifyUnavailableError, RunStoppedError."""
    toolchain = TOOLCHAINS[task.language]
    if fault := toolchain.fault(code):
        return Score("syntax", fault)
    word = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="vivek-bench-") as folder:
        workspace = Path(folder)
        program = toolchain.program(code, task.tests, word)
        (workspace / toolchain.file).write_text(program, "utf-8", "surrogateescape", newline="")
        command = [*toolchain.command(), toolchain.file]
        outcome = sandbox.run(command, workspace=workspace, env=_ENVIRONMENT, limits=limits, cancel=cancel)
    if outcome.ended == "timeout":
        return Score("timeout", outcome.why, outcome.seconds, outcome.isolated)
    passed = outcome.code == 0 and word in outcome.stdout
    complaint = [outcome.why] if outcome.why else outcome.stderr.strip().splitlines() or [""]
    return Score(
        "pass" if passed else "fail",
        "" if passed else complaint[-1][:200] or "It ended before its tests did.",
        outcome.seconds,
        outcome.isolated,
    )
