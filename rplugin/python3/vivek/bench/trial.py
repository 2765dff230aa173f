"""One task under one arm: asks, scores what came of it, and tells it as plain data.

A failure that is the model's (no code in its reply, a prompt too large) is a result like any other; one that is the
server's or the machine's is raised, for it says nothing of the arm.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from vivek.agent.run import AskResult
from vivek.bench import plain
from vivek.bench.arms import ARMS, Arm, Plain, Vivek
from vivek.bench.measures import changed_outside, lost_symbols, unchanged
from vivek.bench.memory import PeakMemory
from vivek.bench.recording import RecordedCall, Recorder
from vivek.bench.scoring import Score, Scorer, tools_for
from vivek.bench.task import Task
from vivek.bench.toolchains import Missing, Toolchain
from vivek.bench.usertest import UserTest, user_test, write
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.edits.diff import apply
from vivek.errors import ContextWindowExceededError, ModelOutputInvalidError, RequestError, VivekError
from vivek.llm.base import ChatModel, Finished, Message, ModelInfo, Sampling, Text, TokenCounter
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import PROFILES
from vivek.llm.select import choose
from vivek.llm.steady import SteadyModel
from vivek.project_file import Verify
from vivek.request import AskRequest
from vivek.session import Session

_OURS = (ContextWindowExceededError, ModelOutputInvalidError, RequestError)
"""What an ask fails with by itself, the server being well."""


_SEEDS_A_REPEAT = 100
"""More than any arm uses for one task."""


class Result(TypedDict):
    """What came of one task under one arm, as it is kept.

    status: `pass`, `fail`, `syntax` or `timeout`, `skipped` where the task cannot be run here; detail: the complaint.
    code: the new file. well_formed: whether the reply held code as it was asked for. changed_outside: None where the
    task has no target. error: the kind of the failure that the ask ended in, "" for none. seconds: of asking, not of
    the tests. peak_bytes: the most memory that the model's server took meanwhile, None where it is not known. about:
    the route, iterations, score and failed checks of an ask.
    """

    file: str
    task: str
    cluster: str
    arm: str
    repeat: int
    status: str
    detail: str
    isolated: bool
    code: str
    well_formed: bool
    unchanged: bool
    lost_symbols: int
    changed_outside: int | None
    error: str
    seconds: float
    peak_bytes: int | None
    about: dict[str, Any]
    calls: list[RecordedCall]


@dataclass(frozen=True)
class Options:
    """How the model is chosen and asked. None leaves a thing to each arm: greedy, its own top_p, its own cap."""

    settings: Settings
    temperature: float | None = None
    top_p: float | None = None
    reply_cap: int | None = None
    seed: int = 1


@dataclass(frozen=True)
class _Produced:
    """What an arm came to. error: see Result."""

    code: str
    score: Score
    well_formed: bool
    about: dict[str, Any]
    error: str = ""


class Trials:
    """Runs tasks with one model. Close it when done."""

    def __init__(self, options: Options, cancel: CancelToken) -> None:
        """Loads the model. Raises VivekError where there is none."""
        self._options = options
        self._cancel = cancel
        self._loop = ModelLoop()
        wanted = options.settings
        try:
            choice = self._loop.run(choose(wanted.backend, wanted.model, wanted.url, wanted.window), cancel)
            self._model: ChatModel = SteadyModel(choice.model)
            self.info: ModelInfo = self._loop.run(self._model.info(), cancel)
            self._counter: TokenCounter = self._loop.run(self._model.counter(), cancel)
        except BaseException:
            self._loop.close()
            raise
        self._server = choice.model
        self._scorer = Scorer(cancel)

    def close(self) -> None:
        """Close the connections; the server stays."""
        self._scorer.close()
        self._loop.run(self._model.aclose(), CancelToken())
        self._loop.close()

    def run(self, task: Task, arm: str, repeat: int, before: Sequence[Message]) -> Result:
        """The result of a task; before: the last conversation of the same arm.

        Raises ModelAPIError and its kin, VerifyUnavailableError, RunStoppedError.
        """
        tools = tools_for(task)
        if isinstance(tools, Missing):
            produced, recorder, seconds, peak = _skipped(task, tools), Recorder(), 0.0, None
        else:
            seed = self._options.seed + repeat * _SEEDS_A_REPEAT
            recorder = Recorder(before, reply_cap=self._options.reply_cap, seed=seed)
            clock = _Clock()
            with PeakMemory(self._loop, self._server) as memory:
                produced = self._produced(task, tools, ARMS[arm], recorder, clock)
            seconds, peak = clock.seconds, memory.peak
        code = produced.code
        return {
            "file": task.file,
            "task": task.id,
            "cluster": task.cluster,
            "arm": arm,
            "repeat": repeat,
            "status": produced.score.status,
            "detail": produced.score.detail,
            "isolated": produced.score.isolated,
            "code": code,
            "well_formed": produced.well_formed,
            "unchanged": unchanged(task, code),
            "lost_symbols": lost_symbols(task, code),
            "changed_outside": changed_outside(task, code),
            "error": produced.error,
            "seconds": round(seconds, 3),
            "peak_bytes": peak,
            "about": produced.about,
            "calls": recorder.settled(self._counter),
        }

    def _produced(
        self, task: Task, tools: Toolchain, arm: Arm, recorder: Recorder, clock: _Clock
    ) -> _Produced:
        if isinstance(arm, Plain):
            return self._plainly(task, tools, arm, recorder, clock)
        return self._by_vivek(task, tools, arm, recorder, clock)

    def _plainly(
        self, task: Task, tools: Toolchain, arm: Plain, recorder: Recorder, clock: _Clock
    ) -> _Produced:
        """The first sample that passes, and the first of all where none does."""
        model = recorder.around(self._model)
        options = self._options
        temperature = next((each for each in (arm.temperature, options.temperature) if each is not None), 0.0)
        top_p = options.top_p or PROFILES["small"].top_p
        every: list[_Produced] = []
        for number in range(1, arm.samples + 1):
            sampling = plain.sampling(task, temperature, top_p, number)
            try:
                with clock:
                    reply = self._loop.run(_reply(model, plain.prompt(task), sampling), self._cancel)
            except _OURS as error:
                every.append(self._failed(task, tools, error))
                continue
            code, fenced = plain.code_in(reply, task.language)
            every.append(_Produced(code, self._scorer.score(task, tools, code), fenced, {}))
            if every[-1].score.status == "pass":
                return every[-1]
        return every[0]

    def _by_vivek(
        self, task: Task, tools: Toolchain, arm: Vivek, recorder: Recorder, clock: _Clock
    ) -> _Produced:
        """As on the command line: a session of its own, the file in a folder of its own, nothing remembered."""
        with tempfile.TemporaryDirectory(prefix="vivek-bench-") as folder:
            request = self._request(task, tools, arm, Path(folder).resolve())
            session = Session(around=recorder.around)
            notices: list[str] = []
            try:
                with clock:
                    result = session.ask(request, partial(_note, notices), self._cancel)
            except _OURS as error:
                return self._failed(task, tools, error, notices)
            finally:
                session.close()
        code = apply(request.text, result["edits"])  # type: ignore[arg-type]
        score = self._scorer.score(task, tools, code)
        return _Produced(code, score, bool(result["edits"]), _about(result, notices))

    def _request(self, task: Task, tools: Toolchain, arm: Vivek, folder: Path) -> AskRequest:
        text = task.before if task.before.endswith("\n") else task.before + "\n"
        project = (
            user_test(task, tools, text) if arm.test else UserTest({tools.subject: text}, tools.subject, "")
        )
        return AskRequest(
            run=uuid.uuid4().hex,
            instruction=task.instruction,
            text=text,
            filetype=task.language,
            path=write(project, folder),
            cwd=folder,
            stored=False,
            settings=self._settings(arm),
            verify=Verify(arm.run_examples, project.command, folder if project.command else None),
        )

    def _settings(self, arm: Vivek) -> Settings:
        options = self._options
        sampling = {"temperature": options.temperature, "top_p": options.top_p}
        profile = {name: value for name, value in sampling.items() if value is not None} | dict(arm.profile)
        return replace(options.settings, profiles={"*": profile} if profile else {})

    def _failed(
        self, task: Task, tools: Toolchain, error: VivekError, notices: Sequence[str] = ()
    ) -> _Produced:
        """The file as it was: a task is not solved by leaving it alone, but it is scored all the same."""
        score = self._scorer.score(task, tools, task.before)
        unchanged_reply = isinstance(error, ModelOutputInvalidError) and "unchanged" in error.message
        about = {"failure": str(error), "notices": list(notices)}
        return _Produced(task.before, score, unchanged_reply, about, error.kind)


class _Clock:
    """Seconds spent in its `with` blocks, in all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic() - self._began


async def _reply(model: ChatModel, messages: Sequence[Message], sampling: Sampling) -> str:
    text = ""
    async for event in model.stream(messages, sampling):
        if isinstance(event, Text):
            text += event.text
        elif isinstance(event, Finished):
            break
    return text


def _note(notices: list[str], event: dict[str, Any]) -> None:
    if event["kind"] == "notice":
        notices.append(event["text"])


def _about(result: AskResult, notices: Sequence[str]) -> dict[str, Any]:
    failed = [check for check in result["checks"] if not check["passed"]]
    kept: dict[str, Any] = {"route": result["route"], "iterations": result["iterations"]}
    kept |= {"score": result["score"], "failed_checks": failed, "target": result["target"]}
    return kept | {"notices": list(notices)}


def _skipped(task: Task, why: Missing) -> _Produced:
    return _Produced(task.before, Score("skipped", why.reason), False, {})
