"""The embedded server with the real 0.5B: llama.cpp itself, in processes of its own, on real sockets.

The weights are those that Vivek finds, or the file that VIVEK_TEST_MODEL_05B names.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from llama import alive, kill, kill_servers, servers, until
from real_servers import NAME
from vivek import paths
from vivek.errors import ContextWindowExceededError, ModelAPIError, ModelConnectionLostError
from vivek.llm import launcher, server, weights
from vivek.llm.base import Finished, Loading, Message, Reading, Retrying, Sampling, StreamEvent, Text
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.server import Record
from vivek.llm.steady import SteadyModel

pytestmark = pytest.mark.real_model

WINDOW = 2048
SYSTEM = Message("system", "You are a programmer. Answer with code.")
ASK = [SYSTEM, Message("user", "Write a Python function `add(a, b)` that returns their sum.")]
SHORT = Sampling(max_tokens=4)
LONG = Sampling(max_tokens=1000)


@pytest.fixture(scope="module", autouse=True)
def private(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The servers' own folder; the one that a developer's editor uses is left alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
        kill_servers()


@pytest.fixture
def model(gguf: Path) -> LlamaCppModel:
    return LlamaCppModel(gguf, name=NAME, context_window=WINDOW, idle_seconds=120.0)


def ask(model: LlamaCppModel, messages: Sequence[Message], sampling: Sampling) -> list[StreamEvent]:
    async def collect() -> list[StreamEvent]:
        return [event async for event in model.stream(messages, sampling)]

    return asyncio.run(collect())


def text(events: Sequence[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def end(events: Sequence[StreamEvent]) -> Finished:
    last = events[-1]
    assert isinstance(last, Finished)
    return last


def the_record() -> Record:
    [place] = paths.runtime_dir().glob("*.json")
    record = server.read_record(place)
    assert record is not None
    return record


def about(topic: str) -> list[Message]:
    """A prompt of some 150 tokens that shares nothing with another topic's but the system message."""
    lines = "\n".join(f"def {topic}_{number}(value): return value * {number}" for number in range(8))
    return [SYSTEM, Message("user", f"{lines}\nName the last function.")]


async def slots(record: Record) -> list[dict[str, Any]]:
    async with launcher.client(record) as client:
        return list((await client.get("/slots")).json())


async def until_idle(record: Record, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(slot["is_processing"] for slot in await slots(record)):
        assert time.monotonic() < deadline, "the server goes on for nobody"
        await asyncio.sleep(0.05)


def test_the_first_ask_loads_reads_and_writes(model: LlamaCppModel) -> None:
    kill_servers()
    events = ask(model, ASK, Sampling(max_tokens=60))
    assert isinstance(events[0], Loading)
    assert any(isinstance(event, Reading) for event in events)
    assert "def add(a, b)" in text(events)
    assert end(events).stats.generated_tokens > 10


def test_the_same_prompt_again_is_not_read_again(model: LlamaCppModel) -> None:
    first = end(ask(model, about("first"), SHORT)).stats
    again = end(ask(model, about("first"), SHORT)).stats
    assert again.cached_tokens is not None
    assert again.cached_tokens >= again.prompt_tokens - 1
    assert again.first_token_ms < first.first_token_ms / 2


def test_the_server_tells_window_digest_and_size(model: LlamaCppModel, gguf: Path) -> None:
    info = asyncio.run(model.info())
    assert (info.context_window, info.digest, info.backend) == (WINDOW, weights.digest(gguf), "embedded")
    assert info.parameters == pytest.approx(0.5e9, rel=0.3)


def test_speculation_is_on(model: LlamaCppModel) -> None:
    asyncio.run(model.info())
    assert all(slot["speculative"] for slot in asyncio.run(slots(the_record())))


def test_three_conversations_in_turn_all_stay_in_the_cache(model: LlamaCppModel) -> None:
    """Two have a slot each; the third comes back from the server's own memory."""
    topics = ("red", "green", "blue")
    for topic in topics:
        ask(model, about(topic), SHORT)
    for topic in topics:
        stats = end(ask(model, about(topic), SHORT)).stats
        assert stats.cached_tokens is not None
        assert stats.cached_tokens > 0.9 * stats.prompt_tokens


def test_a_client_in_another_process_shares_the_server(model: LlamaCppModel, gguf: Path) -> None:
    ask(model, ASK, SHORT)
    script = (
        "import asyncio, sys; from pathlib import Path; from vivek.llm.base import *;"
        "from vivek.llm.llamacpp import LlamaCppModel\n"
        f"model = LlamaCppModel(Path(sys.argv[1]), name='x', context_window={WINDOW}, idle_seconds=120.0)\n"
        "async def main():\n"
        "    async for event in model.stream([Message('user', 'hi')], Sampling(2)): print(event)\n"
        "asyncio.run(main())"
    )
    package = str(Path(launcher.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": package}
    command = [sys.executable, "-c", script, str(gguf)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Loading" not in done.stdout
    assert "Finished" in done.stdout
    assert len(list(paths.runtime_dir().glob("*.json"))) == 1


def test_a_cancelled_reply_ends_within_200_ms_and_the_server_stops_writing(model: LlamaCppModel) -> None:
    async def stop_after_three_words() -> float:
        task, third = reading(model, ASK, 3)
        await third.wait()
        return await cancelled_after(task)

    assert asyncio.run(stop_after_three_words()) < 0.2
    asyncio.run(until_idle(the_record(), 5.0))


def test_a_cancelled_prompt_ends_within_200_ms_and_the_server_stops_reading(model: LlamaCppModel) -> None:
    async def stop_while_reading() -> float:
        task, begun = reading(model, about("abandoned"), 0)
        await begun.wait()
        return await cancelled_after(task)

    asyncio.run(model.info())
    assert asyncio.run(stop_while_reading()) < 0.2
    asyncio.run(until_idle(the_record(), 20.0))


def reading(
    model: LlamaCppModel, messages: Sequence[Message], words: int
) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A task that reads a long answer, and an event that is set after so many words (0: once prefill runs)."""
    enough = asyncio.Event()

    async def read() -> None:
        seen = 0
        async with aclosing(model.stream(messages, LONG)) as events:
            async for event in events:
                seen += isinstance(event, Text)
                if not isinstance(event, Loading) and seen >= words:
                    enough.set()

    return asyncio.create_task(read()), enough


async def cancelled_after(task: asyncio.Task[None]) -> float:
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


def test_a_server_killed_in_the_middle_gives_what_it_wrote_and_the_next_ask_works(
    model: LlamaCppModel,
) -> None:
    async def kill_after_three_words() -> None:
        words = 0
        async for event in model.stream(ASK, LONG):
            words += isinstance(event, Text)
            if words == 3:
                os.kill(the_record().pid, signal.SIGKILL)

    with pytest.raises(ModelConnectionLostError) as caught:
        asyncio.run(kill_after_three_words())
    assert caught.value.partial
    events = ask(model, ASK, SHORT)
    assert isinstance(events[0], Loading)
    assert text(events)


def test_a_server_killed_while_it_loads_is_told_and_the_next_ask_works(
    model: LlamaCppModel, gguf: Path
) -> None:
    kill_servers()

    async def kill_while_loading() -> None:
        async for event in model.stream(ASK, SHORT):
            assert isinstance(event, Loading)

    async def beside_a_killer() -> None:
        answer = asyncio.create_task(kill_while_loading())
        while not (found := servers()) and not answer.done():
            await asyncio.sleep(0.005)
        for pid in found:
            kill(pid)
        await answer

    with pytest.raises(ModelAPIError, match="SIGKILL") as caught:
        asyncio.run(beside_a_killer())
    assert str(paths.runtime_dir()) in caught.value.hint
    assert text(ask(model, ASK, SHORT))


def test_weights_that_are_cut_off_are_told_in_llama_cpps_words(gguf: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    with gguf.open("rb") as whole:
        cut.write_bytes(whole.read(50_000_000))
    with pytest.raises(ModelAPIError, match="failed to load model") as caught:
        ask(LlamaCppModel(cut, name="cut", context_window=WINDOW), ASK, SHORT)
    assert str(paths.runtime_dir()) in caught.value.hint


def test_clients_with_different_wishes_share_one_server_and_its_window(
    model: LlamaCppModel, gguf: Path
) -> None:
    ask(model, ASK, SHORT)
    other = LlamaCppModel(gguf, name=NAME, context_window=8192, idle_seconds=120.0)
    assert asyncio.run(other.info()).context_window == WINDOW
    assert not any(isinstance(event, Loading) for event in ask(other, ASK, SHORT))
    assert len(servers()) == 1


def test_a_window_is_raised_once_for_all_clients(model: LlamaCppModel) -> None:
    """What did not fit before is read now."""

    async def begun(tokens: int) -> int:
        """Tokens of a prompt that the server has begun to read."""
        long = [SYSTEM, Message("user", "word " * tokens)]
        async with aclosing(model.stream(long, SHORT)) as events:
            return next(event.total for event in [await anext(events)] if isinstance(event, Reading))

    async def talk() -> None:
        await model.info()
        before = the_record()
        with pytest.raises(ContextWindowExceededError):
            await begun(3000)
        assert (await model.widen(3100)).context_window == 4096
        assert the_record().pid != before.pid
        assert len(servers()) == 1
        assert await begun(3000) > 3000
        assert (await model.widen(4000)).context_window == 4096

    asyncio.run(talk())


def test_a_window_is_not_raised_while_another_call_is_under_way(model: LlamaCppModel, gguf: Path) -> None:
    async def beside_another() -> None:
        task, third = reading(model, ASK, 3)
        await third.wait()
        try:
            with pytest.raises(ContextWindowExceededError, match="answering somebody else"):
                await LlamaCppModel(gguf, name=NAME, idle_seconds=120.0).widen(10_000)
        finally:
            await cancelled_after(task)

    asyncio.run(beside_another())
    kill_servers()  # the tests that follow want a window of their own


def test_an_idle_server_ends(gguf: Path) -> None:
    before = set(paths.runtime_dir().glob("*.json"))
    ask(LlamaCppModel(gguf, name=NAME, context_window=512, idle_seconds=1.0), ASK, SHORT)
    [place] = set(paths.runtime_dir().glob("*.json")) - before
    record = server.read_record(place)
    assert record is not None
    until(lambda: not alive(record.pid), "the idle server ends")
    assert not place.exists()


def test_a_server_that_is_killed_while_it_writes_is_started_anew_by_the_same_call(
    model: LlamaCppModel,
) -> None:
    ask(model, ASK, SHORT)
    pid = the_record().pid

    async def steadily() -> list[StreamEvent]:
        events: list[StreamEvent] = []
        async for event in SteadyModel(model).stream(ASK, Sampling(max_tokens=24)):
            if isinstance(event, Text) and not any(isinstance(known, Text) for known in events):
                os.kill(pid, signal.SIGKILL)
            events.append(event)
        return events

    events = asyncio.run(steadily())
    end(events)
    retries = [at for at, event in enumerate(events) if isinstance(event, Retrying)]
    assert retries, "the call is made again"
    assert any(isinstance(event, Loading) for event in events[retries[0] :])
    again = retries[-1]
    assert "def add(a, b)" in text(events[again:])
    assert the_record().pid != pid
