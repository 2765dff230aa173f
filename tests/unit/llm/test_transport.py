from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from vivek.errors import (
    ConfigError,
    JSONParsingError,
    ModelAPIError,
    ModelConnectionLostError,
    ModelUnreachableError,
)
from vivek.llm import transport
from vivek.llm.transport import Server


def server_at(url: str) -> Server:
    return Server("Ollama", url, "Start it with `ollama serve`.")


async def collect(answer: wire.Answer, read: Any, written: list[str] | None = None) -> list[Any]:
    """What the reader makes of the body; every piece goes to `written` too."""
    async with wire.serve({"/x": answer}) as there:
        server, got = server_at(there.url), []
        async with transport.client(there.url) as client:
            with transport.failures(server, written if written is not None else []):
                async with client.stream("GET", "/x") as response:
                    async for piece in read(response, server):
                        got.append(piece)
                        if written is not None:
                            written.append(piece["t"])
        return got


def test_a_line_may_come_in_pieces_and_hold_unicode_line_ends() -> None:
    line = json.dumps({"t": "a\u2028b\x85c\x0bé"}, ensure_ascii=False).encode() + b"\r\n"
    pieces = [line[:5], line[5:14], line[14:] + b"\n" + line]
    got = asyncio.run(collect(wire.streaming(pieces), transport.ndjson))
    assert got == [{"t": "a\u2028b\x85c\x0bé"}] * 2


def test_a_last_line_without_its_end_is_read() -> None:
    assert asyncio.run(collect(wire.streaming([b'{"t": 1}']), transport.ndjson)) == [{"t": 1}]


@pytest.mark.parametrize(
    "line", [b'{"t": "a\n', b"<html>\n", b"[1]\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"]
)
def test_a_line_that_is_no_object_is_a_json_error_with_the_text_so_far(line: bytes) -> None:
    written: list[str] = []
    with pytest.raises(JSONParsingError) as caught:
        asyncio.run(collect(wire.streaming([{"t": "def f"}, {"t": "():"}, line]), transport.ndjson, written))
    assert caught.value.partial == "def f():"
    assert "Ollama at http://127.0.0.1" in caught.value.message
    assert len(caught.value.message) < 500


def test_a_connection_that_breaks_keeps_the_text_so_far() -> None:
    written: list[str] = []
    broken = wire.streaming([{"t": "def "}, {"t": "f"}], cut=True)
    with pytest.raises(ModelConnectionLostError) as caught:
        asyncio.run(collect(broken, transport.ndjson, written))
    assert caught.value.partial == "def f"
    assert "ollama serve" in caught.value.hint


def test_server_sent_events_end_at_done() -> None:
    body = [b": hello\n\n", b'data: {"t": "a"}\n\n', b'data: {"t":\ndata: "b"}\n\n']
    body += [b"data: [DONE]\n\n", b"data: x\n\n"]
    assert asyncio.run(collect(wire.streaming(body), transport.server_sent)) == [{"t": "a"}, {"t": "b"}]


@pytest.mark.parametrize(
    "event",
    [
        b'error: {"message": "m"}\n\n',
        b'event: error\ndata: {"message": "m"}\n\n',
        b'data: {"error": {"message": "m"}}\n',
    ],
)
def test_server_sent_errors_look_alike_in_every_form(event: bytes) -> None:
    got = asyncio.run(collect(wire.streaming([event]), transport.server_sent))
    assert got == [{"error": {"message": "m"}}]


def test_nothing_at_the_address_is_told_with_the_way_to_start_it() -> None:
    async def ask() -> None:
        url = f"http://127.0.0.1:{wire.closed_port()}"
        async with transport.client(url) as client:
            with transport.failures(server_at(url)):
                await client.get("/x")

    with pytest.raises(ModelUnreachableError) as caught:
        asyncio.run(ask())
    assert caught.value.hint == "Start it with `ollama serve`."


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1:1", "http://127.0.0.1:99999", "http://", "http://a:b", "nonsense"]
)
def test_an_address_that_is_none_is_a_setting_to_mend(url: str) -> None:
    async def ask() -> None:
        with transport.failures(server_at(url)):
            async with transport.client(url) as client:
                await client.get("/x")

    with pytest.raises(ConfigError):
        asyncio.run(ask())


def test_every_other_failure_of_the_transport_is_an_api_error() -> None:
    async def ask() -> None:
        async def redirect(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 302 X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")

        async with wire.serve({"/x": redirect}) as there, transport.client(there.url) as client:
            with transport.failures(server_at(there.url)):
                await client.get("/x")

    with pytest.raises(ModelAPIError, match="redirect"):
        asyncio.run(ask())


def test_cancelling_hangs_up_at_once_on_a_silent_server() -> None:
    async def ask() -> float:
        async with wire.serve({"/x": wire.silence}) as there, transport.client(there.url) as client:

            async def call() -> None:
                with transport.failures(server_at(there.url)):
                    await client.get("/x")

            task = asyncio.create_task(call())
            while not there.requests:
                await asyncio.sleep(0.001)
            start = asyncio.get_running_loop().time()
            task.cancel()
            await asyncio.wait_for(there.hung_up.wait(), 2)
            assert task.cancelled()
            return asyncio.get_running_loop().time() - start

    assert asyncio.run(ask()) < 0.2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"code": 500, "message": "no"}}', "no"),
        (b'{"message": "no"}', "no"),
        (b"no\n", "no"),
        (b'{"error": 5}', "5"),
        (b"", ""),
    ],
)
def test_the_servers_own_words_are_found(body: bytes, words: str) -> None:
    assert transport.server_message(body) == words


@given(st.binary())
def test_any_error_body_gives_some_words(body: bytes) -> None:
    assert isinstance(transport.server_message(body), str)


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost", True),
        ("http://[::1]:5", True),
        ("http://10.0.0.1", False),
        ("https://example.com", False),
        ("http://[", False),
    ],
)
def test_loopback_is_told_from_the_rest(url: str, answer: bool) -> None:
    assert transport.is_loopback(url) is answer


def test_a_loopback_server_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{wire.closed_port()}")

    async def ask() -> int:
        async with wire.serve({"/x": wire.replying({})}) as there, transport.client(there.url) as client:
            return (await client.get("/x")).status_code

    assert asyncio.run(ask()) == 200


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_sent(text: str) -> None:
    assert json.loads(transport.json_body({"t": text}))["t"] == text.encode("utf-8", "replace").decode()
