"""The composition root: puts model, document, symbols and conversation together for one run, and runs it.

The editor's host and the command line both come in here. It knows no editor and no terminal: what happens is told to a
listener, and what fails is raised.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vivek.agent.adaptive import TrackRecord
from vivek.agent.conversation import record_outcome
from vivek.agent.mode import mode_of, route_in
from vivek.agent.run import AskResult, ask
from vivek.agent.state import Event, Ports
from vivek.agent.store import Store
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.context.ignore import Ignore
from vivek.context.interpreters import python_for
from vivek.context.project import find_root, state_dir_for
from vivek.context.symbols import Symbol, Symbols
from vivek.context.testsuite import suite_of
from vivek.errors import RequestError, RunStoppedError, VivekError
from vivek.health import health
from vivek.llm.base import ChatModel, ModelInfo, Retrying, TokenCounter
from vivek.llm.logged import LoggedModel
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import Profiles
from vivek.llm.retry import persistently
from vivek.llm.select import choose
from vivek.llm.server_counter import ServerCounter, StoppableCounter
from vivek.llm.steady import SteadyModel
from vivek.paths import state_dir
from vivek.request import AskRequest
from vivek.review.changes import lines_of
from vivek.review.dismissed import dismissed_keys
from vivek.review.engine import Opened, review
from vivek.review.engine import Ports as ReviewPorts
from vivek.review.finding import Review
from vivek.review.request import ReviewRequest
from vivek.verify.report import Verifier
from vivek.verify.verifier import ProjectVerifier, Subject, isolation_notice

_DATABASE = "checkpoints.db"

_Request = AskRequest | ReviewRequest

_WARNINGS_SECONDS = 1.0
"""How long a run's end waits to hear what is wrong with its server."""


class Session:
    """Runs asks, several at once if need be. Close it when done.

    around: put around each ask's model, e.g. what records its calls.
    """

    def __init__(self, around: Callable[[ChatModel], ChatModel] = lambda model: model) -> None:
        self._around = around
        self._loop = ModelLoop()
        self._stores: dict[Path, Store] = {}
        self._unnamed = Store(Path(":memory:"))
        self._noticed: set[str] = set()
        self._lock = threading.Lock()
        self._record = TrackRecord()

    def ask(self, request: AskRequest, listen: Callable[[Event], None], cancel: CancelToken) -> AskResult:
        """One ask, start to end. `listen` is called from several threads, and no more once this returns.

        Raises VivekError: RunStoppedError where it was stopped before anything was finished.
        """
        gate = _Gate(listen)
        try:
            profiles = Profiles(request.settings.profiles)
            root = find_root(request.path or request.cwd)
            _refuse_excluded(request.path, root)
            request = _with_suite(request, root)
            gate.send({"kind": "progress", "run": request.run, "phase": "loading", "done": 0, "total": 0})
            model = self._choose(request, gate, cancel)
            try:
                return self._run(request, model, profiles, root, gate=gate, cancel=cancel)
            finally:
                self._tell_traps(request, model, gate, cancel)
                self._let_go(model)
        finally:
            gate.close()

    def review(self, request: ReviewRequest, listen: Callable[[Event], None], cancel: CancelToken) -> Review:
        """One review, start to end. `listen` is called from several threads, and no more once this returns.

        A model that fails, or a stop in the middle, ends it with what was found by then. Raises VivekError where
        nothing could be looked at: RunStoppedError where it was stopped before anything was begun.
        """
        gate = _Gate(listen)
        models: list[ChatModel] = []
        profiles = Profiles(request.settings.profiles)
        root = find_root(request.path or request.cwd)
        ranges, changed = lines_of(request)

        def opened() -> Opened:
            gate.send({"kind": "progress", "run": request.run, "phase": "loading", "done": 0, "total": 0})
            models.append(self._choose(request, gate, cancel))
            info, counter = self._known(models[0], cancel)
            return Opened(models[0], info, counter, profiles.of(info))

        ports = ReviewPorts(
            request=request,
            ranges=ranges,
            changed=changed,
            open=opened,
            refusal=_exclusion(request.path, root),
            dismissed=dismissed_keys(root),
            verifier=self._verifier(request, root, gate) if request.verify.run_examples else None,
            loop=self._loop,
            cancel=cancel,
            send=gate.send,
        )
        try:
            return review(ports)
        finally:
            for model in models:
                self._tell_traps(request, model, gate, cancel)
                self._let_go(model)
            gate.close()

    def _let_go(self, model: ChatModel) -> None:
        with suppress(RunStoppedError):  # the loop itself was closed: so are its connections
            self._loop.run(model.aclose(), CancelToken())

    def _known(self, model: ChatModel, cancel: CancelToken) -> tuple[ModelInfo, TokenCounter]:
        """What a model says of itself, and its counter, of which a stop is heard."""
        info, counter = self._loop.run(_facts(model), cancel)
        if isinstance(counter, ServerCounter):
            counter = StoppableCounter(counter, self._loop, cancel)
        return info, counter

    def _choose(self, request: _Request, gate: _Gate, cancel: CancelToken) -> ChatModel:
        wanted = request.settings

        def tell(event: Retrying) -> None:
            gate.send({"kind": "retry", "run": request.run, **asdict(event)})

        choosing = persistently(lambda: choose(wanted.backend, wanted.model, wanted.url, wanted.window), tell)
        choice = self._loop.run(choosing, cancel)
        for text in self._unseen(choice.notices):
            gate.send({"kind": "notice", "run": request.run, "text": text})
        gate.send(
            {
                "kind": "start",
                "run": request.run,
                "model": choice.name,
                "backend": choice.backend,
                "reason": choice.reason,
            }
        )
        about = {"run": request.run, "model": choice.name, "backend": choice.backend}
        return self._around(LoggedModel(SteadyModel(choice.model, tell), about))

    def _tell_traps(self, request: _Request, model: ChatModel, gate: _Gate, cancel: CancelToken) -> None:
        """What shows only once the model is loaded, where it was not told before."""
        with suppress(VivekError, asyncio.TimeoutError):
            for text in self._unseen(self._loop.run(_warnings(model), cancel)):
                gate.send({"kind": "notice", "run": request.run, "text": text})

    def _unseen(self, notices: Sequence[str]) -> list[str]:
        """What was not told in this session yet: of a model, the user need be told once."""
        with self._lock:
            unseen = [text for text in notices if text not in self._noticed]
            self._noticed.update(unseen)
        return unseen

    def _run(
        self,
        request: AskRequest,
        model: ChatModel,
        profiles: Profiles,
        root: Path | None,
        *,
        gate: _Gate,
        cancel: CancelToken,
    ) -> AskResult:
        info, counter = self._known(model, cancel)
        store, thread = self._conversation(request, root)
        if store is not None and store.set_aside is not None:
            text = f"The conversations' database was damaged; it is kept as {store.set_aside}."
            gate.send({"kind": "notice", "run": request.run, "text": text})
        ports = Ports(
            request=request,
            model=model,
            info=info,
            counter=counter,
            loop=self._loop,
            cancel=cancel,
            symbols=_symbol_source(request, root, cancel),
            profile=profiles.of(info),
            record=self._record,
            verifier=self._verifier(request, root, gate),
        )
        return ask(ports, store, thread, gate.send)

    def _verifier(self, request: _Request, root: Path | None, gate: _Gate) -> Verifier | None:
        if not request.verify.wanted:
            return None
        for text in self._unseen([notice] if (notice := isolation_notice()) else []):
            gate.send({"kind": "notice", "run": request.run, "text": text})
        return _verifier_for(request, root)

    def new_conversation(self, path: Path | None, buffer: str) -> None:
        """Forget the conversation about a file, or about an unnamed buffer."""
        store, key = self._place(path, buffer)
        store.new_thread(key)

    def record_outcome(
        self, path: Path | None, buffer: str, *, run: str, applied: int, rejected: int, pending: int
    ) -> None:
        """Note what became of a run's hunks, for the next ask's history."""
        store, key = self._place(path, buffer)
        record_outcome(store, store.thread(key), run, applied=applied, rejected=rejected, pending=pending)

    def health(self, settings: Settings, cwd: Path) -> list[dict[str, Any]]:
        """What ``:checkhealth`` shows of this side: see `vivek.health.health`."""
        return health(self._loop, settings, cwd)

    def close(self) -> None:
        """Close connections and databases; returns at once."""
        self._loop.close()
        with self._lock:
            for store in (self._unnamed, *self._stores.values()):
                store.close()

    def _conversation(self, request: AskRequest, root: Path | None) -> tuple[Store | None, str]:
        """Where a run is remembered, and under which thread id."""
        if not request.stored:
            return None, request.thread or request.run
        if request.thread is not None:
            return self._store(state_dir_for(root)), request.thread
        store, key = self._place(request.path, request.buffer)
        return store, store.thread(key)

    def _place(self, path: Path | None, buffer: str) -> tuple[Store, str]:
        """A document's database, and its name there: its path in the project, so that a project may move."""
        if path is None:
            return self._unnamed, buffer
        root = find_root(path)
        key = path.relative_to(root) if root and path.is_relative_to(root) else path
        return self._store(state_dir_for(root)), os.fsencode(key).decode("utf-8", "backslashreplace")

    def _store(self, folder: Path) -> Store:
        with self._lock:
            if folder not in self._stores:
                self._stores[folder] = _open_store(folder)
            return self._stores[folder]


class _Gate:
    """Passes events on until it is closed: nothing of a run is told after its end."""

    def __init__(self, listen: Callable[[Event], None]) -> None:
        self._listen = listen
        self._open = True
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        with self._lock:
            if self._open:
                self._listen(event)

    def close(self) -> None:
        with self._lock:
            self._open = False


async def _facts(model: ChatModel) -> tuple[ModelInfo, TokenCounter]:
    return await model.info(), await model.counter()


async def _warnings(model: ChatModel) -> Sequence[str]:
    return await asyncio.wait_for(model.warnings(), _WARNINGS_SECONDS)


def _open_store(folder: Path) -> Store:
    """The folder's database; where it cannot be written (a read-only checkout), the user's own state folder's."""
    try:
        return Store(folder / _DATABASE)
    except sqlite3.OperationalError:
        return Store(state_dir() / _DATABASE)


def _refuse_excluded(path: Path | None, root: Path | None) -> None:
    """Raise RequestError where the project's ignore files keep the file out of prompts."""
    reason = _exclusion(path, root)
    if reason:
        raise RequestError(reason, hint="Take the pattern out, or copy the lines into a buffer of their own.")


def _exclusion(path: Path | None, root: Path | None) -> str:
    """Why a project's ignore files keep the file out of prompts, "" where they do not."""
    reason = Ignore(root).excluded(path) if path and root else None
    return f"{path.name} is not sent to a model: {reason} excludes it." if path and reason else ""


def _with_suite(request: AskRequest, root: Path | None) -> AskRequest:
    """The request with the file that its tests belong in, where it asks for some."""
    if request.path is None or route_in(mode_of(request), request) != "tests":
        return request
    excluded = Ignore(root).excluded if root else (lambda _path: None)
    suite = suite_of(request.path, root, request.filetype, unsaved=request.unsaved, excluded=excluded)
    return replace(request, suite=suite)


def _symbol_source(
    request: AskRequest, root: Path | None, cancel: CancelToken
) -> Callable[[str, int, int], list[Symbol]]:
    """What looks up signatures for this request; only Python has any."""
    if request.filetype != "python":
        return lambda _text, _first, _last: []
    excluded = Ignore(root).excluded if root else (lambda _path: None)
    symbols = Symbols(root, trusted=request.trusted, excluded=excluded)

    def used(text: str, first: int, last: int) -> list[Symbol]:
        return symbols.used_in(text, request.path, first, last, cancelled=lambda: cancel.cancelled)

    return used


def _verifier_for(request: _Request, root: Path | None) -> Verifier:
    """What runs the request's examples and tests, on a copy of its project, or of its file where it has none."""
    file = (request.path or request.cwd / "unnamed.py").resolve()
    root = (request.verify.root or root) if request.path else None
    if root is not None and not file.is_relative_to(root.resolve()):  # a link leads out of the project
        root = None
    subject = Subject(
        file=file,
        root=root,
        original=request.text,
        language=request.filetype,
        python=python_for(root),
        excluded=Ignore(root).excluded if root else (lambda _path: None),
    )
    return ProjectVerifier(subject, run_examples=request.verify.run_examples, test=request.verify.test)
