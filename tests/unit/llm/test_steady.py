"""Faults on real sockets, through the wrapper that every ask goes through: nothing hangs, nothing is lost, and every
message says what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest

import wire
from llama import FakeLlama, write_gguf
from vivek import paths
from vivek.errors import (
    ContextWindowExceededError,
    JSONParsingError,
    ModelAPIError,
    ModelBusyError,
    ModelConnectionLostError,
    ModelNotFoundError,
    ModelUnreachableError,
    VivekError,
)
from vivek.llm import retry, steady, tokens, watchdog
from vivek.llm.base import Finished, Loading, Message, Reading, Retrying, Sampling, StreamEvent, Text
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.ollama import OllamaModel
from vivek.llm.pace import Speeds
from vivek.llm.server import Record
from vivek.llm.steady import SteadyModel

T = TypeVar("T")

NAME = "qwen2.5-coder:1.5b"
ASK = [Message("system", "You write code."), Message("user", "add")]
SAMPLING = Sampling(max_tokens=50)
SHOW = {
    "template": "{{ range .Messages }}{{ .Role }}{{ .Content }}{{ end }}",
    "modelfile": f"FROM /blobs/sha256-{'ab' * 32}\n",
    "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768},
}


@dataclass
class Backend:
    """One protocol on a socket: where it chats, how a piece and the end look, and the model that speaks it."""

    name: str
    chat: str
    health: str
    piece: Callable[[str], bytes]
    last: bytes
    other: dict[str, wire.Answer]

    def reply(self, *words: str) -> list[bytes]:
        return [*(self.piece(word) for word in words), self.last]


def ollama_piece(text: str) -> bytes:
    return json.dumps({"message": {"role": "assistant", "content": text}, "done": False}).encode() + b"\n"


def llama_piece(text: str) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": None}]}).encode()
        + b"\n\n"
    )


OLLAMA = Backend(
    "Ollama",
    "/api/chat",
    "/api/version",
    ollama_piece,
    json.dumps({"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 2}).encode()
    + b"\n",
    {
        "/api/show": wire.replying(SHOW),
        "/api/ps": wire.replying({"models": [{"model": NAME, "name": NAME, "context_length": 8192}]}),
        "/api/version": wire.replying({"version": "0.24.0"}),
    },
)
LLAMA = Backend(
    "llama.cpp",
    "/v1/chat/completions",
    "/health",
    llama_piece,
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}\n\ndata: [DONE]\n\n',
    {"/health": wire.replying({"status": "ok"})},
)


@pytest.fixture(params=[OLLAMA, LLAMA], ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Seconds become hundredths, and nothing is kept outside of the test."""
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(watchdog, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(watchdog, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(steady, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(SteadyModel, "_before", {})
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setattr(paths, "state_dir", lambda: tmp_path)
    monkeypatch.setattr(tokens, "_encoders", {})


@pytest.fixture
def talk(backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Ask a server whose chat route is this answer; the events go to the list that is given."""

    async def work(url: str, got: list[StreamEvent]) -> None:
        model = SteadyModel(the_model(backend, url, monkeypatch, tmp_path))
        try:
            async for event in model.stream(ASK, SAMPLING):
                got.append(event)
        finally:
            await model.aclose()

    async def serve(answer: wire.Answer, got: list[StreamEvent], **other: wire.Answer) -> wire.Wire:
        health = {backend.health: other["health"]} if "health" in other else {}
        async with wire.serve({**backend.other, backend.chat: answer, **health}) as there:
            await asyncio.wait_for(work(there.url, got), 20)
            return there

    return serve


def the_model(backend: Backend, url: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    if backend is OLLAMA:
        return OllamaModel(NAME, url)
    from vivek.llm import launcher, server

    record = Record(1, url, "key", "0", 0.0)

    async def running(_settings: object) -> Record:
        return record

    monkeypatch.setattr(launcher, "running", running)
    monkeypatch.setattr(launcher, "held", lambda _lock: True)
    monkeypatch.setattr(server, "read_record", lambda _path: record)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return LlamaCppModel(write_gguf(folder / "tiny.gguf"), name="tiny")


def turns(*answers: wire.Answer) -> wire.Answer:
    """One answer for each request, the last for all that follow."""
    left = list(answers)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(writer)

    return answer


def text(events: list[StreamEvent]) -> str:
    """What was written since the last further try."""
    words: list[str] = []
    for event in events:
        if isinstance(event, Retrying):
            words.clear()
        elif isinstance(event, Text):
            words.append(event.text)
    return "".join(words)


def retries(events: list[StreamEvent]) -> list[Retrying]:
    return [event for event in events if isinstance(event, Retrying)]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def failing(work: Coroutine[Any, Any, Any], kind: type[VivekError]) -> Any:
    with pytest.raises(kind) as caught:
        run(work)
    assert type(caught.value) is kind
    assert caught.value.hint, "every failure says what to do"
    return caught.value


# --- what passes ------------------------------------------------------------------------------------------


def test_a_reset_in_the_middle_of_a_line_starts_the_reply_anew(backend: Backend, talk: Any) -> None:
    half = backend.piece("gh")[:-9]
    got: list[StreamEvent] = []
    broken = wire.streaming([backend.piece("def "), half], cut=True)
    run(talk(turns(broken, wire.streaming(backend.reply("def ", "f"))), got))
    assert Text("def ") in got[: got.index(retries(got)[0])]
    assert text(got) == "def f"
    assert isinstance(got[-1], Finished)
    [again] = retries(got)
    assert "broke before the answer was complete" in again.reason
    assert again.attempt == 2


def test_half_a_json_line_at_the_end_is_a_broken_connection(backend: Backend, talk: Any) -> None:
    half = backend.piece("gh")[:-9]
    got: list[StreamEvent] = []
    run(talk(turns(wire.streaming([half]), wire.streaming(backend.reply("f"))), got))
    assert text(got) == "f"
    assert len(retries(got)) == 1


def test_a_reply_that_always_breaks_is_given_up_with_its_text(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    error = failing(talk(wire.streaming([backend.piece("def f")], cut=True), got), ModelConnectionLostError)
    assert len(retries(got)) == retry.TRIES - 1
    assert [event.attempt for event in retries(got)] == [2, 3, 4]
    assert error.partial == "def f"
    assert "sk again" in error.hint


def test_a_500_is_tried_again(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    down = wire.replying({"error": {"message": "the runner has terminated"}}, 500)
    run(talk(turns(down, wire.streaming(backend.reply("f"))), got))
    assert text(got) == "f"
    assert "the runner has terminated" in retries(got)[0].reason


def test_a_503_while_the_model_loads_is_tried_again(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    loading = wire.replying({"error": {"message": "Loading model", "code": 503}}, 503)
    run(talk(turns(loading, loading, wire.streaming(backend.reply("f"))), got))
    assert text(got) == "f"
    assert len(retries(got)) == 2


def test_a_server_that_stays_busy_is_told_with_its_own_words(backend: Backend, talk: Any) -> None:
    busy = wire.replying({"error": {"message": "maximum pending requests exceeded"}}, 503)
    error = failing(talk(busy, []), ModelBusyError)
    assert "maximum pending requests exceeded" in error.message
    assert "sk again" in error.hint


def test_the_pause_that_a_429_asks_for_is_kept(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    busy = raw(b"HTTP/1.1 429 X\r\nRetry-After: 0.03\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    run(talk(turns(busy, wire.streaming(backend.reply("f"))), got))
    assert [event.seconds for event in retries(got)] == [0.03]
    assert text(got) == "f"


def test_a_429_that_asks_for_too_long_a_pause_is_told_at_once(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    busy = raw(b"HTTP/1.1 429 X\r\nRetry-After: 300\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    error = failing(talk(busy, got), ModelBusyError)
    assert "300 seconds" in error.hint
    assert not retries(got)


def test_silence_is_not_death_while_the_health_page_answers(backend: Backend, talk: Any) -> None:
    looked, enough = [], asyncio.Event()

    async def health(writer: asyncio.StreamWriter) -> None:
        looked.append(1)
        if len(looked) == 3:
            enough.set()
        await wire.replying({"status": "ok"})(writer)

    async def slow(writer: asyncio.StreamWriter) -> None:
        await enough.wait()
        await wire.streaming(backend.reply("f"))(writer)

    got: list[StreamEvent] = []
    run(talk(slow, got, health=health))
    assert text(got) == "f"
    assert not retries(got)


def test_a_slow_drip_is_waited_for(backend: Backend, talk: Any) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for byte in b"".join(backend.reply("def ", "f")):
            writer.write(b"1\r\n" + bytes([byte]) + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.0005)
        writer.write(b"0\r\n\r\n")

    got: list[StreamEvent] = []
    run(talk(drip, got))
    assert text(got) == "def f"
    assert not retries(got)


def test_a_line_of_ten_megabytes_is_read(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    long = "x" * 10_000_000
    run(talk(wire.streaming(backend.reply(long)), got))
    assert text(got) == long


# --- what does not pass -----------------------------------------------------------------------------------


def test_a_server_that_hangs_is_told_to_be_dead(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    chat = wire.streaming([backend.piece("def ")], hang=True)
    error = failing(talk(chat, got, health=wire.silence), ModelConnectionLostError)
    assert "hung" in error.message
    assert "Restart it" in error.hint
    assert error.partial == "def "
    assert not retries(got), "a server that hangs is not asked again"


def test_a_refused_connection_is_tried_a_few_times(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{wire.closed_port()}"
    got: list[StreamEvent] = []

    async def ask() -> None:
        model = SteadyModel(the_model(backend, url, monkeypatch, tmp_path), tell=got.append)
        try:
            async for event in model.stream(ASK, SAMPLING):
                got.append(event)
        finally:
            await model.aclose()

    error = failing(ask(), ModelUnreachableError)
    assert url in error.message
    assert len(retries(got)) == retry.TRIES - 1


def test_a_line_that_is_no_json_is_not_tried_again(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    lines = [b"<html>\n"] if backend is OLLAMA else [b"data: <html>\n\n"]
    error = failing(talk(wire.streaming([backend.piece("def"), *lines]), got), JSONParsingError)
    assert error.partial == "def"
    assert "really such a server" in error.hint
    assert not retries(got)


def test_a_web_page_in_place_of_a_reply_is_told(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    body = b"<html><body>Welcome to the router.</body></html>"
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        % len(body)
    )
    error = failing(talk(raw(head + body), got), JSONParsingError)
    assert "<html>" in error.message
    assert "really such a server" in error.hint
    assert not retries(got)


def test_a_prompt_that_is_too_long_is_not_tried_again(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    words = "the input length exceeds the context length; available context size"
    error = failing(talk(wire.replying({"error": words}, 400), got), ContextWindowExceededError)
    assert "Select less" in error.hint
    assert not retries(got)


def test_a_400_is_not_tried_again(backend: Backend, talk: Any) -> None:
    got: list[StreamEvent] = []
    error = failing(talk(wire.replying({"error": "no such option"}, 400), got), ModelAPIError)
    assert "no such option" in error.message
    assert not retries(got)


@pytest.mark.parametrize("backend", [OLLAMA], indirect=True, ids=["Ollama"])
def test_a_model_that_is_deleted_between_two_calls_is_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: Backend
) -> None:
    got: list[StreamEvent] = []
    gone = wire.replying({"error": f"model '{NAME}' not found"}, 404)

    async def twice() -> None:
        chat = turns(wire.streaming(backend.reply("f")), gone)
        async with wire.serve({**backend.other, backend.chat: chat}) as there:
            model = SteadyModel(OllamaModel(NAME, there.url))
            for _ in range(2):
                async for event in model.stream(ASK, SAMPLING):
                    got.append(event)

    error = failing(twice(), ModelNotFoundError)
    assert text(got) == "f"
    assert f"`ollama pull {NAME}`" in error.hint
    assert not retries(got)


def raw(data: bytes) -> wire.Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


def test_an_embedded_server_that_dies_is_started_anew_for_each_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(steady, "TICK_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "QUIET_SECONDS", 30.0)
    llama, got = FakeLlama(tmp_path, monkeypatch), []
    model = SteadyModel(LlamaCppModel(write_gguf(tmp_path / "tiny.gguf"), name="tiny", idle_seconds=60.0))

    async def ask() -> None:
        async for event in model.stream([ASK[0], Message("user", "die")], SAMPLING):
            got.append(event)

    try:
        error = failing(ask(), ModelConnectionLostError)
    finally:
        llama.close()
    assert error.partial == "def "
    assert "starts it anew" in error.hint
    assert [type(event) for event in got].count(Loading) == retry.TRIES
    assert len(llama.events("load")) == retry.TRIES


# --- stopping ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["pausing", "silent", "writing"])
def test_cancelling_ends_it_at_once(
    backend: Backend, where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 60.0)
    chat = {
        "pausing": wire.replying({"error": "x"}, 500),
        "silent": wire.silence,
        "writing": wire.streaming([backend.piece("x")], hang=True),
    }[where]
    awaited = {"pausing": Retrying, "silent": Reading if backend is OLLAMA else type(None), "writing": Text}[
        where
    ]

    async def work() -> None:
        got: list[StreamEvent] = []
        async with wire.serve({**backend.other, backend.chat: chat}) as there:
            model = SteadyModel(the_model(backend, there.url, monkeypatch, tmp_path))

            async def call() -> None:
                async for event in model.stream(ASK, SAMPLING):
                    got.append(event)

            task = asyncio.create_task(call())
            while not (
                there.bodies(backend.chat)
                and (awaited is type(None) or (got and isinstance(got[-1], awaited)))
            ):
                await asyncio.sleep(0.001)
            there.hung_up.clear() if where == "pausing" else None
            task.cancel()
            await asyncio.wait({task}, timeout=0.2)
            assert task.cancelled()
            if where != "pausing":
                await asyncio.wait_for(there.hung_up.wait(), 2)
            await model.aclose()

    run(work())


# --- the estimate -----------------------------------------------------------------------------------------


def test_reading_counts_down_from_the_speed_that_was_measured(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    speeds.learn("ollama", "ab" * 32, 1000, 1000.0, exact=True)
    enough = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await enough.wait()
        await wire.streaming(OLLAMA.reply("f"))(writer)

    async def ask() -> list[Reading]:
        got: list[Reading] = []
        async with wire.serve({**OLLAMA.other, OLLAMA.chat: slow}) as there:
            model = SteadyModel(OllamaModel(NAME, there.url), speeds=speeds)
            await model.info()
            async for event in model.stream(ASK, SAMPLING):
                if isinstance(event, Reading):
                    got.append(event)
                if len(got) == 5:
                    enough.set()
            await model.aclose()
        return got

    got = run(asyncio.wait_for(ask(), 20))
    left = [event.seconds_left for event in got]
    assert all(event.done == 0 for event in got)
    assert left[0] == pytest.approx(got[0].total)
    assert all(a is not None and b is not None and a > b >= 0 for a, b in pairwise(left))
