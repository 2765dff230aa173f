from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from vivek.cancel import CancelToken
from vivek.errors import ModelAPIError, RunStoppedError
from vivek.llm.loop import ModelLoop


@pytest.fixture
def loop() -> Iterator[ModelLoop]:
    made = ModelLoop()
    yield made
    made.close()


async def _value(value: int) -> int:
    await asyncio.sleep(0)
    return value


def until(condition: object, seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def model_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vivek-model-loop"]


def test_a_result_comes_back(loop: ModelLoop) -> None:
    assert loop.run(_value(7), CancelToken()) == 7


def test_an_error_comes_back_as_it_is(loop: ModelLoop) -> None:
    async def fail() -> None:
        raise ModelAPIError("no", hint="do this")

    with pytest.raises(ModelAPIError) as caught:
        loop.run(fail(), CancelToken())
    assert caught.value.hint == "do this"


def test_no_thread_starts_before_the_first_call() -> None:
    before = len(model_threads())
    loop = ModelLoop()
    assert len(model_threads()) == before
    loop.run(_value(1), CancelToken())
    assert len(model_threads()) == before + 1
    assert all(thread.daemon for thread in model_threads())
    loop.close()


def test_a_stop_frees_the_caller_and_cancels_the_call(loop: ModelLoop) -> None:
    started, ended = threading.Event(), threading.Event()

    async def silent() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    token = CancelToken()
    threading.Thread(target=lambda: (started.wait(2), token.cancel()), daemon=True).start()
    start = time.monotonic()
    with pytest.raises(RunStoppedError):
        loop.run(silent(), token)
    assert time.monotonic() - start < 0.2
    assert ended.wait(2)


def test_a_stop_does_not_wait_for_a_call_that_blocks_the_loop(loop: ModelLoop) -> None:
    release = threading.Event()

    async def stubborn() -> None:
        release.wait(5)

    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    start = time.monotonic()
    with pytest.raises(RunStoppedError):
        loop.run(stubborn(), token)
    assert time.monotonic() - start < 0.25
    release.set()
    assert loop.run(_value(3), CancelToken()) == 3


def test_a_run_that_was_stopped_before_starts_nothing(loop: ModelLoop) -> None:
    token = CancelToken()
    token.cancel()
    started = False

    async def work() -> None:
        nonlocal started
        started = True

    with pytest.raises(RunStoppedError):
        loop.run(work(), token)
    loop.run(_value(0), CancelToken())
    assert not started


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, BaseException])
def test_the_loop_outlives_whatever_a_call_raises(loop: ModelLoop, kind: type[BaseException]) -> None:
    async def fail() -> None:
        raise kind

    with pytest.raises((kind, RunStoppedError)):
        loop.run(fail(), CancelToken())
    assert loop.run(_value(4), CancelToken()) == 4


def test_an_error_after_the_stop_is_logged_and_kills_nothing(
    loop: ModelLoop, caplog: pytest.LogCaptureFixture
) -> None:
    started = threading.Event()

    async def sour() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("while closing") from None

    token = CancelToken()
    threading.Thread(target=lambda: (started.wait(2), token.cancel()), daemon=True).start()
    with caplog.at_level(logging.WARNING), pytest.raises(RunStoppedError):
        loop.run(sour(), token)
    assert loop.run(_value(5), CancelToken()) == 5

    def told() -> bool:
        gc.collect()
        return "while closing" in caplog.text

    until(told)


def test_many_threads_share_one_loop(loop: ModelLoop) -> None:
    got: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: got.append(loop.run(_value(n), CancelToken()))) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(got) == list(range(20))


def test_closing_stops_the_calls_and_the_thread_and_may_be_repeated() -> None:
    loop, started, seen = ModelLoop(), threading.Event(), []

    async def silent() -> None:
        started.set()
        await asyncio.Event().wait()

    def call() -> None:
        try:
            loop.run(silent(), CancelToken())
        except RunStoppedError as error:
            seen.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert started.wait(2)
    thread = model_threads()[-1]
    start = time.monotonic()
    loop.close()
    loop.close()
    assert time.monotonic() - start < 0.3
    caller.join(2)
    thread.join(2)
    assert not thread.is_alive()
    assert len(seen) == 1
    with pytest.raises(RunStoppedError):
        loop.run(_value(1), CancelToken())


def test_closing_an_unused_loop_does_nothing() -> None:
    loop = ModelLoop()
    loop.close()
    loop.close()
