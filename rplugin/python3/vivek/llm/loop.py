"""Between the sync world of the graph and the async one of the models: one asyncio loop in one daemon thread.

A sync HTTP read that is silent cannot be woken reliably from another thread; a coroutine can be cancelled at
once. So every model call is a coroutine on this loop, and its caller waits on the call or on the user's stop,
whichever comes first. It knows nothing of models.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any, TypeVar

from vivek.cancel import CancelToken
from vivek.errors import RunStoppedError

CLOSE_SECONDS = 0.15
"""How long `close` waits for the calls to end; Neovim is on its way out and waits 300 ms in all."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class ModelLoop:
    """Runs coroutines for any number of threads. The thread starts with the first call and outlives every
    error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, coro: Coroutine[Any, Any, T], cancel: CancelToken) -> T:
        """The coroutine's result, or its exception.

        Raises RunStoppedError as soon as the run is cancelled, without waiting for the coroutine: that is
        cancelled too, and closes its connection by itself. Not to be called on the loop's own thread.
        """
        try:
            cancel.raise_if_cancelled()
            call = self._submitted(coro)
        except RunStoppedError:
            coro.close()
            raise
        either: tuple[Future[Any], ...] = (call, cancel.future)
        wait(either, return_when=FIRST_COMPLETED)
        if not call.done():
            call.cancel()
            raise RunStoppedError("Stopped.")
        try:
            return call.result()
        except CancelledError as error:
            raise RunStoppedError("Stopped.") from error

    def close(self) -> None:
        """Cancel all calls and end the thread. A second call does nothing; a later `run` raises
        RunStoppedError."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop and thread:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(CLOSE_SECONDS)

    def _submitted(self, coro: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:  # so that nothing is handed to a loop that `close` has just ended
            if self._closed:
                raise RunStoppedError("Vivek is closing.")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(_note)
                self._thread = threading.Thread(
                    target=self._serve, args=(self._loop,), name="vivek-model-loop", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coro, self._loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while not self._closed:
            _survive(loop.run_forever)
        _survive(lambda: loop.run_until_complete(_wind_up()))
        loop.close()


async def _wind_up() -> None:
    loop = asyncio.get_running_loop()
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    if calls:
        await asyncio.wait(calls, timeout=CLOSE_SECONDS)
    await loop.shutdown_asyncgens()


def _survive(work: Callable[[], None]) -> None:
    """asyncio lets these two escape from a task into the loop; the task's caller has them already."""
    try:
        work()
    except (SystemExit, KeyboardInterrupt) as error:
        _log.warning("A model call raised %r; the loop goes on.", error)


def _note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What no caller waits for any more, e.g. the error of a call that was cancelled: for the log, not for
    the user."""
    _log.warning("%s: %r", context.get("message"), context.get("exception"))
