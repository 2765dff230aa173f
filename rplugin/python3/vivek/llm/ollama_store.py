"""What an Ollama server has in its store: the models, which are loaded, how to fetch one, and which to take.

It goes through the `ollama` package, whose errors leave as VivekErrors; only `pull` downloads. Chats and what a model
says of itself are `vivek.llm.ollama`'s.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import ollama

from vivek.errors import JSONParsingError, ModelAPIError, ModelNotFoundError
from vivek.llm import transport
from vivek.llm.transport import Server

PREFERRED = (
    "qwen2.5-coder:7b",
    "opencoder:8b",
    "granite-code:8b",
    "yi-coder:9b",
    "deepseek-coder:6.7b",
    "qwen2.5-coder:3b",
    "granite-code:3b",
    "qwen2.5-coder:1.5b",
    "opencoder:1.5b",
    "yi-coder:1.5b",
    "deepseek-coder:1.3b",
    "qwen2.5-coder:14b",
    "qwen2.5-coder:0.5b",
)
"""Which installed model answers where the user named none: the first of these that fits in memory.

7B, then 3B, then 1.5B coders, Qwen2.5-Coder before its equals (aider's edit leaderboard, "whole" format,
second try: 57.9 % for its 7B, 39.1 % for its 3B, 31.6 % for its 1.5B); larger ones are slow, and come only
before the smallest.
"""

MEMORY_SPARE = 600_000_000
"""Bytes that a model needs beside its weights: 8,192 tokens of a 7B's key-value cache, and its work
buffers."""


@dataclass(frozen=True)
class InstalledModel:
    """A model in Ollama's store. size: bytes of its files. parameters: e.g. ``"7.6B"``, "" where not told."""

    name: str
    size: int
    parameters: str = ""


@dataclass(frozen=True)
class PullProgress:
    """A moment of a download. done, total: bytes of the layer under way, both 0 where there is none."""

    status: str
    done: int
    total: int


def host_url(value: str | None) -> str:
    """The URL that a value of OLLAMA_HOST means to a client, by the rules of Ollama's own command line.

    Host alone, host:port or a whole URL; the port is 11434 without a scheme, else the scheme's; a port that
    is no number falls back on it; an address to listen on (0.0.0.0, ::, or none) becomes the loopback one.
    """
    text = (value or "").strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("https", "ollama.com:443") if text == "ollama.com" else ("http", text)
    default = {"http": "80", "https": "443"}.get(scheme, "11434") if separator else "11434"
    address, _, path = rest.partition("/")
    split = re.fullmatch(r"(\[[^\[\]]*\]|[^\[\]:]*):([^\[\]:]*)", address)
    host, port = (split[1], split[2]) if split else (address, default)
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        port = default
    return f"{scheme}://{_connectable(host.strip('[]'))}:{port}/{path}".rstrip("/")


def _connectable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host or "127.0.0.1")
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return str(address) if address.version == 4 else f"[{address}]"


async def list_models(url: str) -> list[InstalledModel]:
    """The models in the server's store, newest first. Raises ModelUnreachableError, ModelAPIError."""
    async with _package(url, timeout=transport.told_within()) as client:
        listed = await client.list()
    return [
        InstalledModel(
            model.model, int(model.size or 0), (model.details and model.details.parameter_size) or ""
        )
        for model in listed.models
        if model.model
    ]


async def loaded_models(url: str) -> dict[str, int]:
    """The models in memory and the context length of each (0 where not told). Raises as `list_models`."""
    async with _package(url, timeout=transport.told_within()) as client:
        running = await client.ps()
    return {model.model: model.context_length or 0 for model in running.models if model.model}


async def pull(url: str, name: str) -> AsyncIterator[PullProgress]:
    """Download a model into the server's store. Raises ModelNotFoundError and as `list_models`."""
    async with _package(url, name) as client:
        async for part in await client.pull(name, stream=True):
            yield PullProgress(part.status or "", part.completed or 0, part.total or 0)


def pick_installed(
    models: Sequence[InstalledModel], available_bytes: int | None, loaded: Collection[str] = ()
) -> InstalledModel | None:
    """The first of PREFERRED that is installed and fits in memory; None where there is none.

    available_bytes: free memory, None where it is not known (then all fit). loaded: names of models that are
    in memory already, which therefore fit.
    """
    chats = [model for model in models if not re.search(r"[:-]base\b", model.name)]
    fitting = [model for model in chats if model.name in loaded or fits(model, available_bytes)]
    return next((model for wanted in PREFERRED for model in fitting if _is(model, wanted)), None)


def fits(model: InstalledModel, available_bytes: int | None) -> bool:
    """Whether the model's weights and MEMORY_SPARE fit in that much memory; None is as much as it takes."""
    return available_bytes is None or model.size + MEMORY_SPARE <= available_bytes


def _is(model: InstalledModel, wanted: str) -> bool:
    """By family and size, so that ``hf.co/Qwen/Qwen2.5-Coder-7B-Instruct-GGUF`` is a ``qwen2.5-coder:7b``
    too."""
    family, _, size = wanted.partition(":")
    _, found, tail = model.name.lower().partition(family)
    if not found:
        return False
    named = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)b\b", tail)
    billions = float(named[1]) if named else _billions(model.parameters)
    return abs(billions - float(size[:-1])) <= 0.15 * float(size[:-1])


def _billions(parameters: str) -> float:
    number = re.fullmatch(r"(\d+(?:\.\d+)?)([MB])", parameters)
    return float(number[1]) / (1000 if number[2] == "M" else 1) if number else 0.0


def full_name(name: str) -> str:
    """The name as the server lists it, its tag included."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def server_at(url: str) -> Server:
    """The server in the words of an error message."""
    hint = "Start it with `ollama serve`, or set `url` (or OLLAMA_HOST) to where it runs."
    return Server("Ollama", url, hint)


@asynccontextmanager
async def _package(
    url: str, name: str = "", timeout: httpx.Timeout | None = None
) -> AsyncIterator[ollama.AsyncClient]:
    """The `ollama` package's client; its errors, and httpx's that it lets through, leave as VivekErrors."""
    server, options = server_at(url), transport.client_options(url)
    if timeout is not None:
        options["timeout"] = timeout
    with transport.failures(server):
        try:
            async with ollama.AsyncClient(url, **options) as client:
                yield client
        except ConnectionError as error:
            raise transport.unreachable(server, error) from error
        except ollama.ResponseError as error:
            raise api_failure(server, error.status_code, error.error, name) from error
        except ValueError as error:  # not JSON, or not of the expected shape (pydantic)
            raise JSONParsingError(
                f"{server} sent something that is not the JSON it should be.", hint=_REALLY_OLLAMA
            ) from error


def api_failure(server: Server, status: int, message: str, name: str) -> ModelAPIError:
    """The error of an answer's status and the server's own words. name: the model that was asked for, "" for none."""
    if name and "model" in message and "not found" in message:
        hint = f"Fetch it with `ollama pull {name}`."
        return ModelNotFoundError(f"{server} has no model `{name}`.", hint=hint)
    if name and "pull model manifest" in message and "does not exist" in message:
        hint = "Look for its exact name at ollama.com/search."
        return ModelNotFoundError(f"Ollama's library has no model `{name}`.", hint=hint)
    told = f"{server} answered {status}: {message}" if status > 0 else f"{server} says: {message}"
    if "requires more system memory" in message:
        return ModelAPIError(told, hint="Choose a smaller model, or close other programs.")
    hint = _REALLY_OLLAMA if status == httpx.codes.NOT_FOUND else "See Ollama's log, then ask again."
    return transport.refused(status, told, hint)


_REALLY_OLLAMA = "See whether that address is really an Ollama server, and whether it is up to date."
