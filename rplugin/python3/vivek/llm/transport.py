"""Between httpx and the models: one way to open a connection, to read a stream, and to name what went wrong.

It knows no server's routes and no model: Ollama and the embedded llama.cpp each speak their own protocol
through it. It sets no limit on how long a server may be silent, because a model that loads or reads a long
prompt says nothing; only what a server tells about itself must come within ANSWER_SECONDS.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from vivek.errors import (
    ConfigError,
    JSONParsingError,
    ModelAPIError,
    ModelBusyError,
    ModelConnectionLostError,
    ModelUnreachableError,
    VivekError,
)

CONNECT_SECONDS = 5.0
"""How long a server may take to accept a connection."""

ANSWER_SECONDS = 15.0
"""How long a server may take to tell about itself, which needs no model: one that is silent then hangs."""

LINE_BYTES = 64 << 20
"""A line longer than this is no reply, and memory is not given to it."""


@dataclass(frozen=True)
class Server:
    """Who is spoken to, in the words of an error message.

    name: e.g. ``"Ollama"``. url: its address. start_hint: what to do when nothing answers there, one
    sentence.
    """

    name: str
    url: str
    start_hint: str

    def __str__(self) -> str:
        return f"{self.name} at {self.url}"


def told_within() -> httpx.Timeout:
    """The time limit of a request for what a server tells about itself."""
    return httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)


def client_options(url: str) -> dict[str, Any]:
    """Keyword arguments of every `httpx.AsyncClient` (and of clients built on it) for a model's server.

    A loopback address never goes through a proxy, whatever the environment says, as in Go and in browsers.
    """
    return {
        "timeout": httpx.Timeout(None, connect=CONNECT_SECONDS),
        "trust_env": not is_loopback(url),
        "follow_redirects": True,
        "verify": _tls(),
    }


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the certificates takes 20 ms, also for a client that never needs them."""
    return httpx.create_ssl_context()


def client(url: str, *, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client whose relative paths start at the URL. Raises ConfigError where it is not one."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"`{url}` is not an address: {error}.", hint=_ADDRESS_HINT) from error
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 0) > 65535:
        raise ConfigError(f"`{url}` is not an address of a server.", hint=_ADDRESS_HINT)
    return httpx.AsyncClient(base_url=parsed, headers=headers, **client_options(url))


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine by name or number."""
    try:
        host = httpx.URL(url).host
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except (httpx.InvalidURL, ValueError):
        return False


@contextmanager
def failures(server: Server, written: Sequence[str] = ()) -> Iterator[None]:
    """Turn the transport's errors inside the block into VivekErrors.

    written: the pieces of the reply so far, a list that the block goes on filling; whatever fails, they
    become the error's `partial`. Cancellation and the closing of a generator pass through untouched.

    Raises ModelUnreachableError, ModelConnectionLostError, ModelAPIError, ConfigError.
    """
    try:
        yield
    except VivekError as error:
        error.partial = error.partial or "".join(written)
        raise
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise unreachable(server, error) from error
    except httpx.ReadTimeout as error:
        raise ModelUnreachableError(
            f"{server} takes a connection, but does not answer.",
            hint="See whether it still works, or start it anew.",
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ConfigError(f"`{server.url}` is not an address: {error}.", hint=_ADDRESS_HINT) from error
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        raise connection_lost(server, written) from error
    except httpx.HTTPError as error:
        raise ModelAPIError(
            f"Talking to {server} failed: {error or type(error).__name__}.", partial="".join(written)
        ) from error


def unreachable(server: Server, error: Exception) -> ModelUnreachableError:
    """The error of a server that takes no connection.

    A refusal may pass, because a server that is being started refuses too; an unknown host and one that does
    not even refuse, where seconds were waited already, will not.
    """
    failure = ModelUnreachableError(f"Nothing answers for {server}.", hint=server.start_hint)
    failure.transient = not any(isinstance(cause, _LASTING) for cause in _causes(error))
    return failure


_LASTING = (socket.gaierror, ssl.SSLError, TimeoutError, httpx.TimeoutException)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refused(status: int, told: str, hint: str) -> ModelAPIError:
    """The error of an answer that says no: one that may pass where the status means too much work, or a bad moment."""
    busy = status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
    failure = (ModelBusyError if busy else ModelAPIError)(told, hint=hint)
    failure.transient = (
        busy or status in (408, 425) or (status >= 500 and status != httpx.codes.NOT_IMPLEMENTED)
    )
    return failure


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or as a date; None where it does not."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value) if value[:1].isdigit() else _seconds_until(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds)


def _seconds_until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()


async def answers(client: httpx.AsyncClient, path: str, seconds: float) -> bool:
    """Whether the server answers on a connection of its own within that time, whatever it answers.

    Raises httpx.HTTPError where the connection fails otherwise.
    """
    try:
        await client.get(path, timeout=seconds)
    except httpx.TimeoutException:
        return False
    return True


def connection_lost(server: Server, written: Sequence[str] = ()) -> ModelConnectionLostError:
    """The error of a connection that ended before the reply did."""
    return ModelConnectionLostError(
        f"The connection to {server} broke before the answer was complete.",
        hint=f"See whether it is still running, then ask again. {server.start_hint}".strip(),
        partial="".join(written),
    )


async def lines(response: httpx.Response) -> AsyncIterator[tuple[bytes, bool]]:
    r"""The body's lines without their ends, as they come, empty ones too; and whether each was ended.

    Only ``\n`` and ``\r\n`` end a line: httpx's own `aiter_lines` also cuts at U+2028 and the like, which
    JSON may hold. Raises ModelAPIError for a line of more than LINE_BYTES.
    """
    rest: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        *whole, tail = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*rest, line]).removesuffix(b"\r"), True
            rest, size = [], 0
        rest.append(tail)
        size += len(tail)
        if size > LINE_BYTES:
            raise ModelAPIError(
                f"The server sent a line of more than {LINE_BYTES >> 20} MiB.",
                hint="See whether that address is really such a server.",
            )
    if last := b"".join(rest):
        yield last.removesuffix(b"\r"), False


async def ndjson(response: httpx.Response, server: Server) -> AsyncIterator[dict[str, Any]]:
    """The objects of a body that holds one on each line.

    Raises JSONParsingError; ModelConnectionLostError where the body ends inside an object.
    """
    async for line, ended in lines(response):
        if line.strip():
            yield json_object(line, server) if ended else _last_object(line, server)


async def server_sent(response: httpx.Response, server: Server) -> AsyncIterator[dict[str, Any]]:
    """The objects in the data of server-sent events, up to ``[DONE]`` or the end.

    An event whose name is ``error`` comes as ``{"error": ...}``, as llama.cpp sends it in either form. Raises
    JSONParsingError; ModelConnectionLostError where the body ends inside an object.
    """
    name, data, whole = b"", b"", True
    async for line, ended in lines(response):
        field, _, value = line.partition(b":")
        value, whole = value.removeprefix(b" "), ended
        if field == b"data":
            data = data + b"\n" + value if data else value
        elif field == b"event":
            name = value
        elif field == b"error":
            name, data = field, value
        elif not line and data:
            if data == b"[DONE]":
                return
            yield _event(name, json_object(data, server))
            name, data = b"", b""
        elif field not in (b"", b"id", b"retry"):
            raise _not_json(line, server)  # e.g. a web page
    if data and data != b"[DONE]":
        yield _event(name, json_object(data, server) if whole else _last_object(data, server))


def _last_object(data: bytes, server: Server) -> dict[str, Any]:
    """The object in a line that nothing ended: where it is only the half of one, the connection broke in it."""
    try:
        return json_object(data, server)
    except JSONParsingError as error:
        if not data.lstrip().startswith(b"{"):
            raise
        raise connection_lost(server) from error


def _event(name: bytes, content: dict[str, Any]) -> dict[str, Any]:
    return {"error": content} if name == b"error" and "error" not in content else content


def json_body(value: object) -> bytes:
    """The value as a JSON request body.

    Half a surrogate pair becomes ``?``: httpx's own encoder fails on it, and llama.cpp refuses its escaped
    form.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_object(data: bytes, server: Server) -> dict[str, Any]:
    """The object that the bytes hold. Raises JSONParsingError, which quotes what came instead."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _not_json(data, server) from error
    if not isinstance(value, dict):
        raise _not_json(data, server)
    return value


def _not_json(data: bytes, server: Server) -> JSONParsingError:
    seen = data[:80].decode("utf-8", "replace")
    return JSONParsingError(
        f"{server} sent something that is not the JSON it should be: {seen!r}.",
        hint="See whether that address is really such a server, and whether it is up to date.",
    )


def server_message(data: bytes) -> str:
    """The server's own words in an error body: ``{"error": "..."}``, ``{"error": {"message": ...}}`` or plain
    text."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data[:500].decode("utf-8", "replace").strip()
    return error_text(value.get("error", value) if isinstance(value, dict) else value)


def error_text(error: object) -> str:
    """The words of an ``error`` member, which servers send as a string or as an object with a ``message``."""
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return error if isinstance(error, str) else json.dumps(error)


_ADDRESS_HINT = "Give it as http://HOST:PORT."
