"""A server on a real socket that answers HTTP by hand, so that tests can break it at any byte."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """What the server saw. hung_up: set as soon as a client closes its connection."""

    url: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.requests if where == path]


@asynccontextmanager
async def serve(routes: dict[str, Answer]) -> AsyncIterator[Wire]:
    """Serve the routes (a path each; all else is a 404) on a free loopback port."""
    wire = Wire()
    open_writers: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            size = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
            body = await reader.readexactly(int(size[1]) if size else 0)
            wire.requests.append((path, json.loads(body or b"{}")))
            end = asyncio.create_task(reader.read())
            end.add_done_callback(lambda _: wire.hung_up.set())
            await routes.get(path, replying("404 page not found", 404))(writer)
            await writer.drain()
            writer.close()
            await end
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            open_writers.discard(writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for writer in list(open_writers):
            writer.transport.abort()
        await asyncio.sleep(0)


def replying(content: object, status: int = 200) -> Answer:
    """Answer with this text, or with anything else as JSON."""
    body = (content if isinstance(content, str) else json.dumps(content)).encode()

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)

    return answer


def streaming(lines: Sequence[object], *, cut: bool = False, hang: bool = False) -> Answer:
    """Answer with one line for each object (bytes as they are).

    cut: break the connection after them, inside the body. hang: say nothing more, for ever.
    """

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for line in lines:
            data = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
            await writer.drain()
        if hang:
            await asyncio.Event().wait()
        if cut:
            await asyncio.sleep(0.01)  # or the reset overtakes the lines
            writer.transport.abort()
        else:
            writer.write(b"0\r\n\r\n")

    return answer


async def silence(writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await asyncio.Event().wait()


def closed_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
