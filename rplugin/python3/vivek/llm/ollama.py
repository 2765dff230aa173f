"""Between the agent and an Ollama server: chats, the models it has, and what is wrong with it in plain words.

The `ollama` package lists and pulls models and tells which are loaded; chats and model descriptions go by
httpx, because the package cannot send `truncate`, `shift` or `verbose`. It starts no server, and only `pull`
downloads.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from vivek.errors import (
    ContextWindowExceededError,
    JSONParsingError,
    ModelAPIError,
    ModelNotFoundError,
    VivekError,
)
from vivek.llm import memory, tokens, transport, window
from vivek.llm.base import (
    CallStats,
    Capability,
    Finished,
    Loading,
    Message,
    ModelInfo,
    Reading,
    Sampling,
    StreamEvent,
    Text,
    TokenCounter,
)
from vivek.llm.completions import one_system, plain
from vivek.llm.transport import Server
from vivek.llm.traps import (
    gpu_warning,
    reload_warning,
    template_warning,
    version_warning,
    window_warning,
)
from vivek.llm.weights import parameters_in
from vivek.llm.window import Shape

KEEP_ALIVE = "30m"
"""How long the server keeps the model in memory after a call: a pause for thought should not cost a load."""

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


class OllamaModel:
    """One model of one Ollama server.

    context_window: tokens that prompt and reply share, None for the largest bucket that fits in memory. It is sent
    as `num_ctx` with every call, always the same: Ollama loads the model anew where it changes. So a model that is
    loaded with as much (without a wish: with a bucket or more) keeps what it has, whoever loaded it; and no window
    is larger than what the model was made for.
    """

    def __init__(self, name: str, url: str, *, context_window: int | None = None) -> None:
        self.name = name
        self._url = url
        self._window = context_window
        self._server = _server(url)
        self._client = transport.client(url)
        self._description: dict[str, Any] | None = None
        self._counter: TokenCounter | None = None
        self._asked_window = 0
        """What this client has loaded the model with; before that, another's window tells nothing."""

    async def info(self) -> ModelInfo:
        """What the server says of the model.

        Raises ModelUnreachableError, ModelNotFoundError, ModelAPIError.
        """
        show = await self._show()
        details, labels = show.get("model_info") or {}, show.get("details") or {}
        return ModelInfo(
            name=self.name,
            backend="ollama",
            digest=weights_digest(show),
            context_window=await self._settled(await self._loaded()),
            parameters=details.get("general.parameter_count")
            or parameters_in(labels.get("parameter_size") or ""),
            family=details.get("general.architecture") or labels.get("family") or "",
            quantization=labels.get("quantization_level") or "",
            capabilities=_capabilities(show),
        )

    async def warnings(self) -> Sequence[str]:
        """A model without a chat template, a server that is too old, and, where it is loaded, how."""
        running = await self._running()
        loaded = 0 if self._asked_window else running.get("context_length") or 0
        told = (
            template_warning(await self._show()),
            version_warning(str((await self._page("/api/version")).get("version") or "")),
            reload_warning(self.name, loaded, await self._settled(loaded)) if loaded else None,
            window_warning(self.name, running, self._asked_window),
            gpu_warning(self.name, running),
        )
        return [warning for warning in told if warning]

    async def widen(self, tokens: int) -> ModelInfo:
        """Have the next call load the model with a larger window.

        Raises ContextWindowExceededError with the reason, and as `info`.
        """
        info = await self.info()
        if info.context_window >= tokens:
            return info
        shape = await self._shape()
        self._window = window.raised(shape, tokens, self._free(shape, await self._loaded()))
        return await self.info()

    async def counter(self) -> TokenCounter:
        """The model's own counter; its tables are fetched, and its chat template is learned, once a digest.

        Learning loads the model, because only a loaded one counts.
        """
        if self._counter is None:
            show = await self._show()
            template = "" if show.get("renderer") else show.get("template") or ""
            counter = tokens.counter(await self._encoder(show), template)
            source = show.get("renderer") or template
            key = tokens.template_key(weights_digest(show), "ollama", source)
            self._counter = await tokens.completed(counter, key, self._rendered, self._measured)
        return self._counter

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[StreamEvent]:
        """Answer. Yields Loading where the model must be loaded, Reading (0 of all), Text pieces, Finished.

        Ollama tells no more of how far it has read. Raises ModelUnreachableError, ModelNotFoundError,
        ContextWindowExceededError, ModelConnectionLostError with the partial text, JSONParsingError,
        ModelAPIError.
        """
        start = time.monotonic()
        loaded = await self._loaded()
        options = {"num_ctx": await self._settled(loaded)}
        if loaded not in (options["num_ctx"], 0):
            yield Loading()
            await self._load(options)
        self._asked_window = options["num_ctx"]
        load_ms = _milliseconds(start)
        total = (self._counter or tokens.ApproximateCounter()).count_messages(messages)
        yield Reading(0, total)
        written: list[str] = []
        request = self._request(options | _options(sampling), plain(one_system(messages)), stream=True)
        if sampling.schema is not None:
            request["format"] = sampling.schema
        body = transport.json_body(request)
        with transport.failures(self._server, written):
            async with self._client.stream("POST", "/api/chat", content=body) as response:
                await self._check(response, total)
                async for part in transport.ndjson(response, self._server):
                    if part.get("error"):
                        raise self._failure(500, transport.error_text(part["error"]), total)
                    if text := (part.get("message") or {}).get("content"):
                        written.append(text)
                        yield Text(text)
                    if part.get("done"):
                        yield self._finished(part, total, load_ms, _milliseconds(start))
                        return
            raise transport.connection_lost(self._server)

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers on a connection of its own; asks nothing of the model."""
        with transport.failures(self._server):
            async with transport.client(self._url) as client:
                return await transport.answers(client, "/api/version", seconds)

    async def aclose(self) -> None:
        """Close the connections; the server and its loaded model stay."""
        await self._client.aclose()

    async def _loaded(self) -> int | None:
        """The window that the model is loaded with; None where it is not, 0 where an older server does not tell."""
        return (await loaded_models(self._url)).get(_full_name(self.name))

    async def _settled(self, loaded: int | None) -> int:
        """The window to send. Once told it only grows: prompts are made for it."""
        shape = Shape.of((await self._show()).get("model_info") or {}, 0)
        wanted = self._window
        if wanted is None and loaded is not None and loaded >= shape.buckets[0]:
            wanted = loaded
        if wanted is None:
            shape = await self._shape()
            wanted = window.largest(shape, self._free(shape, loaded))
        self._window = max(min(wanted, shape.trained or wanted), loaded or 0)
        return self._window

    async def _shape(self) -> Shape:
        details = (await self._show()).get("model_info") or {}
        sizes = {model.name: model.size for model in await list_models(self._url)}
        size = sizes.get(_full_name(self.name)) or details.get("general.parameter_count") or 0
        return Shape.of(details, int(size))

    def _free(self, shape: Shape, loaded: int | None) -> int | None:
        """Memory for the model, what it takes already included. It can be told of this machine alone."""
        if not transport.is_loopback(self._url):
            return None
        return memory.available() + (shape.need(loaded).total if loaded else 0)

    async def _show(self) -> dict[str, Any]:
        if self._description is None:
            self._description = await self._described({"model": self.name})
        return self._description

    async def _running(self) -> dict[str, Any]:
        """The model's entry in ``/api/ps``; {} where it is not loaded."""
        models = (await self._page("/api/ps")).get("models") or []
        return next((model for model in models if model.get("model") == _full_name(self.name)), {})

    async def _page(self, path: str) -> dict[str, Any]:
        """What a page of the server says; {} where an older one has no such page."""
        with transport.failures(self._server):
            response = await self._client.get(path, timeout=transport.told_within())
            return transport.json_object(response.content, self._server) if response.is_success else {}

    async def _encoder(self, show: Mapping[str, Any]) -> tokens.Encoder | None:
        digest = weights_digest(show)
        # In a thread: making one takes a quarter of a second, in which no other call could go on.
        encoder = await asyncio.to_thread(tokens.cached_encoder, digest)
        if encoder or not tokens.supported(show.get("model_info") or {}):
            return encoder
        verbose = await self._described({"model": self.name, "verbose": True})
        return await asyncio.to_thread(tokens.remember, digest, verbose.get("model_info") or {})

    async def _rendered(self, messages: Sequence[Message]) -> str | None:
        """The prompt as the model would read it; None from a server that is too old to tell."""
        answer = await self._probe(messages, {"_debug_render_only": True})
        return (answer.get("_debug_info") or {}).get("rendered_template")

    async def _measured(self, messages: Sequence[Message]) -> int:
        return int((await self._probe(messages, {})).get("prompt_eval_count") or 0)

    async def _probe(self, messages: Sequence[Message], more: Mapping[str, Any]) -> dict[str, Any]:
        options = {"num_ctx": await self._settled(await self._loaded()), "num_predict": 1}
        request = self._request(options, plain(one_system(messages)), stream=False)
        return await self._post("/api/chat", {**request, **more})

    async def _load(self, options: Mapping[str, Any]) -> None:
        """A chat without messages loads the model and answers when that is done."""
        await self._post("/api/chat", self._request(options, [], stream=False))

    def _request(
        self, options: Mapping[str, Any], messages: list[dict[str, str]], *, stream: bool
    ) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": messages,
            "stream": stream,
            "think": False,
            "truncate": False,
            "shift": False,
            "keep_alive": KEEP_ALIVE,
            "options": options,
        }

    async def _described(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._post("/api/show", body, transport.told_within())

    async def _post(
        self, path: str, body: Mapping[str, Any], timeout: httpx.Timeout | None = None
    ) -> dict[str, Any]:
        """timeout: None for as long as the model takes."""
        content, limit = transport.json_body(body), timeout or self._client.timeout
        with transport.failures(self._server):
            response = await self._client.post(path, content=content, timeout=limit)
            await self._check(response)
            return transport.json_object(response.content, self._server)

    async def _check(self, response: httpx.Response, total: int = 0) -> None:
        if not response.is_success:
            message = transport.server_message(await response.aread())
            failure = self._failure(response.status_code, message, total)
            if isinstance(failure, ModelAPIError):
                failure.retry_after = transport.retry_after(response.headers)
            raise failure

    def _failure(self, status: int, message: str, total: int) -> VivekError:
        if status == 400 and "context" in message and "exceed" in message:
            return ContextWindowExceededError(
                f"The prompt has about {total} tokens; the context window of `{self.name}` holds {self._window}.",
                hint="Select less, or ask in a fresh conversation.",
            )
        return _api_failure(self._server, status, message, self.name)

    def _finished(self, part: Mapping[str, Any], total: int, load_ms: float, elapsed_ms: float) -> Finished:
        read = part.get("prompt_eval_count") or total
        before = (part.get("load_duration") or 0) + (part.get("prompt_eval_duration") or 0)
        stats = CallStats(
            prompt_tokens=read,
            cached_tokens=None,
            generated_tokens=part.get("eval_count") or 0,
            first_token_ms=load_ms + before / 1e6,
            total_ms=load_ms + part["total_duration"] / 1e6 if part.get("total_duration") else elapsed_ms,
        )
        return Finished("length" if part.get("done_reason") == "length" else "stop", stats)


def weights_digest(show: Mapping[str, Any]) -> str:
    """The sha256 (hex) of the weights, which the Modelfile in ``/api/show`` names as a blob; "" where it does
    not."""
    found = re.search(r"^FROM .*sha256[-:]([0-9a-f]{64})", show.get("modelfile") or "", re.MULTILINE)
    return found[1] if found else ""


def _capabilities(show: Mapping[str, Any]) -> frozenset[Capability]:
    """Schemas came with Ollama 0.5; ``capabilities`` in ``/api/show``, by which a server is known to have them, with
    0.6.4. It does not tell how much of a prompt was cached."""
    return frozenset({"schema"}) if "capabilities" in show else frozenset()


def _options(sampling: Sampling) -> dict[str, Any]:
    return {
        "num_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "repeat_penalty": sampling.repeat_penalty,  # Ollama's own 1.1 punishes what code is full of: the same names
    }


def _full_name(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _milliseconds(start: float) -> float:
    return (time.monotonic() - start) * 1000


def _server(url: str) -> Server:
    hint = "Start it with `ollama serve`, or set `url` (or OLLAMA_HOST) to where it runs."
    return Server("Ollama", url, hint)


@asynccontextmanager
async def _package(
    url: str, name: str = "", timeout: httpx.Timeout | None = None
) -> AsyncIterator[ollama.AsyncClient]:
    """The `ollama` package's client; its errors, and httpx's that it lets through, leave as VivekErrors."""
    server, options = _server(url), transport.client_options(url)
    if timeout is not None:
        options["timeout"] = timeout
    with transport.failures(server):
        try:
            async with ollama.AsyncClient(url, **options) as client:
                yield client
        except ConnectionError as error:
            raise transport.unreachable(server, error) from error
        except ollama.ResponseError as error:
            raise _api_failure(server, error.status_code, error.error, name) from error
        except ValueError as error:  # not JSON, or not of the expected shape (pydantic)
            raise JSONParsingError(
                f"{server} sent something that is not the JSON it should be.", hint=_REALLY_OLLAMA
            ) from error


def _api_failure(server: Server, status: int, message: str, name: str) -> ModelAPIError:
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
