"""One task under one arm: asks, scores what came of it, and tells it as plain data.

A failure that is the model's (no code in its reply, a prompt too large) is a result like any other; one that is the
server's or the machine's is raised, for it says nothing of the arm.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from vivek.agent.run import AskResult
from vivek.bench import plain
from vivek.bench.arms import ARMS, Plain, Vivek
from vivek.bench.measures import changed_outside, lost_symbols, unchanged
from vivek.bench.memory import PeakMemory
from vivek.bench.recording import Recorder
from vivek.bench.result import Result
from vivek.bench.scoring import Score, Scorer, tools_for
from vivek.bench.task import Task
from vivek.bench.toolchains import Missing, Toolchain
from vivek.bench.usertest import UserTest, user_test, write
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.edits.diff import apply
from vivek.edits.reply import extract
from vivek.errors import ContextWindowExceededError, ModelOutputInvalidError, RequestError, VivekError
from vivek.llm.base import (
    ChatModel,
    Message,
    ModelInfo,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
    TokenCounter,
)
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


@dataclass(frozen=True)
class _Work:
    """A task at work: what runs its language, what records its calls, the seconds spent on asking."""

    task: Task
    tools: Toolchain
    recorder: Recorder
    clock: _Clock


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
            skipped = _Produced(task.before, Score("skipped", tools.reason), False, {})
            return _result(task, arm, repeat, skipped)
        seed = self._options.seed + repeat * _SEEDS_A_REPEAT
        work = _Work(task, tools, Recorder(before, reply_cap=self._options.reply_cap, seed=seed), _Clock())
        way = ARMS[arm]
        with PeakMemory(self._loop, self._server) as memory:
            produced = self._plainly(work, way) if isinstance(way, Plain) else self._by_vivek(work, way)
        self._cancel.raise_if_cancelled()  # what a stopped ask had finished by then is no result
        measured = _result(task, arm, repeat, produced)
        measured["seconds"], measured["peak_bytes"] = round(work.clock.seconds, 3), memory.peak
        measured["calls"] = work.recorder.settled(self._counter)
        return measured

    def _plainly(self, work: _Work, arm: Plain) -> _Produced:
        """The first sample that passes, and the first of all where none does."""
        model = work.recorder.around(self._model)
        options = self._options
        temperature = next((each for each in (arm.temperature, options.temperature) if each is not None), 0.0)
        top_p = options.top_p or PROFILES["small"].top_p
        every: list[_Produced] = []
        for number in range(1, arm.samples + 1):
            sampling = plain.sampling(work.task, temperature, top_p, number)
            try:
                with work.clock:
                    reply = self._loop.run(_reply(model, plain.prompt(work.task), sampling), self._cancel)
            except _OURS as error:
                every.append(self._failed(work, error))
                continue
            code, fenced = plain.code_in(reply, work.task.language)
            every.append(_Produced(code, self._score(work, code), fenced, {}))
            if every[-1].score.status == "pass":
                return every[-1]
        return every[0]

    def _by_vivek(self, work: _Work, arm: Vivek) -> _Produced:
        """As on the command line: a session of its own, the file in a folder of its own, nothing remembered."""
        with tempfile.TemporaryDirectory(prefix="vivek-bench-") as folder:
            request = self._request(work, arm, Path(folder).resolve())
            session = Session(around=work.recorder.around)
            notices: list[str] = []
            try:
                with work.clock:
                    result = session.ask(request, partial(_note, notices), self._cancel)
            except _OURS as error:
                return self._failed(work, error, notices)
            finally:
                session.close()
        code = apply(request.text, result["edits"])  # type: ignore[arg-type]
        return _Produced(code, self._score(work, code), bool(result["edits"]), _about(result, notices))

    def _request(self, work: _Work, arm: Vivek, folder: Path) -> AskRequest:
        task, tools = work.task, work.tools
        text = task.before if task.before.endswith("\n") else task.before + "\n"
        alone = UserTest({tools.subject: text}, tools.subject, "")
        project = user_test(task, tools, text) if arm.test else alone
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

    def _failed(self, work: _Work, error: VivekError, notices: Sequence[str] = ()) -> _Produced:
        """The file as it was: a task is not solved by leaving it alone, but it is scored all the same."""
        task = work.task
        replies = [call["reply"] for call in work.recorder.calls]
        formed = any(extract(reply, task.language).code for reply in replies)
        about = {"failure": str(error), "notices": list(notices)}
        return _Produced(task.before, self._score(work, task.before), formed, about, error.kind)

    def _score(self, work: _Work, code: str) -> Score:
        return self._scorer.score(work.task, work.tools, code)


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
    stream = cast(AsyncGenerator[StreamEvent, None], model.stream(messages, sampling))
    text = ""
    async with aclosing(stream) as events:
        async for event in events:
            if isinstance(event, Retrying):
                text = ""
            elif isinstance(event, Text):
                text += event.text
    return text


def _note(notices: list[str], event: dict[str, Any]) -> None:
    if event["kind"] == "notice":
        notices.append(event["text"])


def _about(result: AskResult, notices: Sequence[str]) -> dict[str, Any]:
    failed = [check for check in result["checks"] if not check["passed"]]
    kept: dict[str, Any] = {"route": result["route"], "iterations": result["iterations"]}
    kept |= {"score": result["score"], "failed_checks": failed, "target": result["target"]}
    return kept | {"warning": result["warning"], "notices": list(notices)}


def _result(task: Task, arm: str, repeat: int, produced: _Produced) -> Result:
    """The result but for what asking cost."""
    code, score = produced.code, produced.score
    return {
        "file": task.file,
        "task": task.id,
        "cluster": task.cluster,
        "arm": arm,
        "repeat": repeat,
        "status": score.status,
        "detail": score.detail,
        "isolated": score.isolated,
        "code": code,
        "well_formed": produced.well_formed,
        "unchanged": unchanged(task, code),
        "lost_symbols": lost_symbols(task, code),
        "changed_outside": changed_outside(task, code),
        "error": produced.error,
        "seconds": 0.0,
        "peak_bytes": None,
        "about": produced.about,
        "calls": [],
    }
