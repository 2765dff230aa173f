"""Makes a call again when its failure may pass: which failures those are, how often, and after what pause.

Only what is transient is tried again (a refused or broken connection, 429, 5xx, a model that is being loaded); what
will not pass (404, 400, a prompt that is too long) is raised at once. It knows no server; each backend marks its own
errors (`ModelAPIError.transient`, `retry_after`). The pause is an asyncio sleep, so that a stop ends it at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar, cast

from tenacity import (
    AsyncRetrying,
    AttemptManager,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from vivek.errors import ModelAPIError
from vivek.llm.base import Retrying, StreamEvent

TRIES = 4
"""In all. With the pauses below, a server that refuses is given up after 7 to 10 seconds."""

PAUSE_SECONDS = 1.0
"""Before the second try; doubled for each further one. As much again at most is added at random, so that clients that
failed together do not come back together."""

LONGEST_PAUSE_SECONDS = 60.0
"""A server that asks for a longer pause is not waited for: the user is told instead."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


async def persistently(work: Callable[[], Awaitable[T]], tell: Callable[[Retrying], None]) -> T:
    """The result of `work`, called again after failures that may pass; `tell` hears of each before its pause.

    Raises what `work` raises, the last failure where all tries failed.
    """
    failure: ModelAPIError | None = None
    async for attempt in _attempts():
        if failure:
            tell(_noted(attempt, failure))
            await asyncio.sleep(_pause(attempt))
        try:
            return await work()
        except ModelAPIError as error:
            failure = error
            _give_back(attempt, error)
    raise AssertionError("tenacity raises the last failure")


async def stream_persistently(
    call: Callable[[], AsyncIterator[StreamEvent]],
) -> AsyncGenerator[StreamEvent, None]:
    """The events of `call()`, which is called again after failures that may pass.

    Before each further try comes a `Retrying`; what was written before it is void, and the reply starts anew.
    Raises what the stream raises, the last failure where all tries failed.
    """
    failure: ModelAPIError | None = None
    async for attempt in _attempts():
        if failure:
            yield _noted(attempt, failure)
            await asyncio.sleep(_pause(attempt))
        try:
            async with aclosing(cast("AsyncGenerator[StreamEvent, None]", call())) as events:
                async for event in events:
                    yield event
                return
        except ModelAPIError as error:
            failure = error
            _give_back(attempt, error)


def _attempts() -> AsyncRetrying:
    """tenacity's tries. It decides and reckons the pauses; the pause itself is made here, after it is told."""
    return AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(TRIES),
        wait=_wait,
        sleep=_no_sleep,
        reraise=True,
    )


def _may_pass(error: BaseException) -> bool:
    return (
        isinstance(error, ModelAPIError)
        and error.transient
        and (error.retry_after or 0.0) <= LONGEST_PAUSE_SECONDS
    )


def _wait(state: RetryCallState) -> float:
    """Seconds until the next try: what the server asks for, else growing ones with jitter."""
    assert state.outcome is not None
    error = state.outcome.exception()
    if isinstance(error, ModelAPIError) and error.retry_after is not None:
        return error.retry_after
    return PAUSE_SECONDS * wait_exponential_jitter(max=LONGEST_PAUSE_SECONDS)(state)


async def _no_sleep(_seconds: float) -> None:
    """The pause is made by the caller."""


def _pause(attempt: AttemptManager) -> float:
    return attempt.retry_state.upcoming_sleep


def _noted(attempt: AttemptManager, failure: ModelAPIError) -> Retrying:
    number, seconds = attempt.retry_state.attempt_number, _pause(attempt)
    _log.info("Try %d of %d in %.1f s, after: %s", number, TRIES, seconds, failure.message)
    return Retrying(failure.message, number, seconds)


def _give_back(attempt: AttemptManager, error: ModelAPIError) -> None:
    """Leave the failure to tenacity, which tries again or raises it. (Its own `with attempt` would swallow the end of
    a generator and a cancellation on their way out.)"""
    if (error.retry_after or 0.0) > LONGEST_PAUSE_SECONDS:
        error.hint = f"It asks to be left alone for {error.retry_after:.0f} seconds; ask again after that."
    attempt.retry_state.set_exception((type(error), error, error.__traceback__))
