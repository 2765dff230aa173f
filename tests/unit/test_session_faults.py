"""A whole ask on a server that fails, over real sockets: what the listener is told and what comes of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import wire
from vivek.agent.state import Event
from vivek.cancel import CancelToken
from vivek.config import Backend, Settings
from vivek.edits.diff import apply
from vivek.errors import ModelBusyError, ModelConnectionLostError, ModelUnreachableError, RunStoppedError
from vivek.llm import retry, transport
from vivek.llm.steady import SteadyModel
from vivek.request import AskRequest
from vivek.session import Session

NAME = "qwen2.5-coder:1.5b"
TEXT = "def area(r):\n    return 3 * r * r\n"
GOOD = "```python\ndef area(r):\n    return 4 * r * r\n```\n"
SHOW = {
    "template": "{{ range .Messages }}{{ .Role }}{{ .Content }}{{ end }}",
    "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768},
}
OTHER: dict[str, wire.Answer] = {
    "/api/tags": wire.replying({"models": [{"model": NAME, "size": 1}]}),
    "/api/show": wire.replying(SHOW),
    "/api/ps": wire.replying({"models": [{"model": NAME, "name": NAME, "context_length": 8192}]}),
    "/api/version": wire.replying({"version": "0.24.0"}),
}


def piece(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}, "done": False}


def reply(text: str) -> wire.Answer:
    return wire.streaming([piece(text), {"message": {"content": ""}, "done": True, "done_reason": "stop"}])


def turns(*answers: wire.Answer) -> wire.Answer:
    left = list(answers)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(writer)

    return answer


@contextmanager
def serving(routes: dict[str, wire.Answer]) -> Iterator[str]:
    """The server in a thread of its own; its URL."""
    ready, ended, there = threading.Event(), asyncio.Event(), []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with wire.serve(routes) as served:
            there.append(served.url)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield there[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(SteadyModel, "_before", {})
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


def ask(
    session: Session,
    url: str,
    listen: Callable[[Event], None],
    cancel: CancelToken | None = None,
    backend: Backend = "ollama",
) -> dict[str, Any]:
    request = AskRequest(
        run="1",
        instruction="make it 4",
        text=TEXT,
        filetype="python",
        first=1,
        last=2,
        stored=False,
        settings=Settings(backend, NAME if backend == "ollama" else None, url),
    )
    return dict(session.ask(request, listen, cancel or CancelToken()))


def test_a_reply_that_broke_is_made_again_and_the_listener_is_told(session: Session) -> None:
    events: list[Event] = []
    half = json.dumps(piece("rest")).encode()[:-8]
    broken = wire.streaming([piece("```python\ndef area(r):\n    retu"), half], cut=True)
    with serving({**OTHER, "/api/chat": turns(broken, reply(GOOD))}) as url:
        result = ask(session, url, events.append)
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r", "4 * r")
    assert result["iterations"] == 1
    kinds = [event["kind"] for event in events]
    [told] = [event for event in events if event["kind"] == "retry"]
    assert (told["run"], told["attempt"]) == ("1", 2)
    assert told["seconds"] > 0
    assert "broke before the answer was complete" in told["reason"]
    assert [event["text"] for event in events if event["kind"] == "reply"] == [
        "```python\ndef area(r):\n    retu",
        GOOD,
    ]
    assert kinds.index("reply") < kinds.index("retry"), "what broke off is told before it is void"
    after = events[kinds.index("retry") :]
    assert "".join(event["text"] for event in after if event["kind"] == "text") == GOOD


def test_a_server_that_is_not_there_is_tried_a_few_times_and_told(session: Session) -> None:
    events: list[Event] = []
    with pytest.raises(ModelUnreachableError) as caught:
        ask(session, f"http://127.0.0.1:{wire.closed_port()}", events.append)
    assert "`ollama serve`" in caught.value.hint
    assert [event["attempt"] for event in events if event["kind"] == "retry"] == [2, 3, 4]


def test_what_was_written_before_the_last_try_is_not_lost(session: Session) -> None:
    broken = wire.streaming([piece("```python\ndef area")], cut=True)
    down = wire.replying({"error": "busy"}, 503)
    with (
        serving({**OTHER, "/api/chat": turns(broken, down)}) as url,
        pytest.raises(ModelBusyError) as caught,
    ):
        ask(session, url, lambda _: None)
    assert caught.value.partial == "```python\ndef area"


def test_a_reply_that_always_breaks_ends_with_its_text(session: Session) -> None:
    events: list[Event] = []
    broken = wire.streaming([piece("```python\ndef area")], cut=True)
    with (
        serving({**OTHER, "/api/chat": broken}) as url,
        pytest.raises(ModelConnectionLostError) as caught,
    ):
        ask(session, url, events.append)
    assert caught.value.partial == "```python\ndef area"
    assert [event["text"] for event in events if event["kind"] == "reply"] == ["```python\ndef area"] * 4
    assert "ask again" in caught.value.hint


def test_a_stop_ends_the_pause_between_two_tries(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 600.0)
    cancel = CancelToken()

    def listen(event: Event) -> None:
        if event["kind"] == "retry":
            threading.Timer(0.01, cancel.cancel).start()

    with serving({**OTHER, "/api/chat": wire.replying({"error": "x"}, 500)}) as url:
        result = ask(session, url, listen, cancel)
    assert result["stopped"]


def test_a_stop_ends_the_wait_for_a_server_that_counts(session: Session) -> None:
    waiting, cancel = threading.Event(), CancelToken()

    async def hang(writer: asyncio.StreamWriter) -> None:
        waiting.set()
        await wire.silence(writer)

    def stop() -> None:
        waiting.wait(20)
        cancel.cancel()

    threading.Thread(target=stop).start()
    models = wire.replying({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 8192}]})
    probed_then_silent = turns(wire.replying({"count": 3}), hang)
    with serving({"/v1/models": models, "/tokenize": probed_then_silent}) as url:
        assert ask(session, url, lambda _: None, cancel, backend="openai")["stopped"]


@pytest.mark.parametrize("page", ["/api/tags", "/api/show", "/api/ps", "/api/version"])
def test_a_server_that_does_not_even_tell_about_itself_is_given_up(
    session: Session, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.1)
    with (
        serving({**OTHER, page: wire.silence}) as url,
        pytest.raises(ModelUnreachableError, match=r"does not answer.*start it anew"),
    ):
        ask(session, url, lambda _: None)


def test_the_health_report_does_not_wait_for_a_silent_server(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("vivek.health._SECONDS", 0.1)
    with serving({**OTHER, "/api/show": wire.silence}) as url:
        model, *folders = session.health(Settings("ollama", NAME, url), tmp_path)
    assert not model["ok"]
    assert "has not told" in model["text"]
    assert folders


def test_a_stop_ends_the_pause_while_a_server_is_looked_for(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PAUSE_SECONDS", 600.0)
    cancel = CancelToken()

    def listen(event: Event) -> None:
        if event["kind"] == "retry":
            threading.Timer(0.01, cancel.cancel).start()

    with pytest.raises(RunStoppedError):
        ask(session, f"http://127.0.0.1:{wire.closed_port()}", listen, cancel)


def test_what_shows_only_once_the_model_is_loaded_is_told_once_a_session(session: Session) -> None:
    events: list[Event] = []
    half_on_gpu = {"model": NAME, "name": NAME, "context_length": 8192, "size": 100, "size_vram": 40}
    running = turns(wire.replying({"models": []}), wire.replying({"models": [half_on_gpu]}))
    with serving({**OTHER, "/api/ps": running, "/api/chat": reply(GOOD)}) as url:
        for _ in range(2):
            ask(session, url, events.append)
            told = [event["text"] for event in events if event["kind"] == "notice" and "GPU" in event["text"]]
            assert len(told) == 1
    assert "40 %" in told[0]


def test_reading_has_an_estimate_from_the_second_ask_on(session: Session) -> None:
    events: list[Event] = []

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        await reply(GOOD)(writer)

    with serving({**OTHER, "/api/chat": slow}) as url:
        for _ in range(2):
            ask(session, url, events.append)
    left = [event["seconds_left"] for event in events if event.get("phase") == "reading"]
    assert left[0] is None
    assert left[-1] is not None
