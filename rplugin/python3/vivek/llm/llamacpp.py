"""The embedded model: llama.cpp's chat interface, over the server that `vivek.llm.launcher` finds or starts.

It loads nothing into this process, downloads nothing, and keeps no connection from call to call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from vivek.errors import ContextWindowExceededError, ModelConnectionLostError, VivekError
from vivek.llm import completions, gguf, launcher, memory, server, slots, tokens, transport, weights, window
from vivek.llm.base import Loading, Message, ModelInfo, Sampling, StreamEvent, TokenCounter
from vivek.llm.launcher import Settings
from vivek.llm.server import Record
from vivek.llm.window import Shape

_STOPPING_SECONDS = 2.0
"""A server that reads a prompt goes on for one batch after its client has hung up."""


class LlamaCppModel:
    """A GGUF file, run by llama.cpp on this machine.

    digest: the file's sha256 (hex) where it is known already; else it is computed. context_window: tokens that prompt
    and reply share, for each of the server's slots, where this is who starts it; None for the largest bucket that fits
    in memory.
    """

    def __init__(
        self,
        weights: Path,
        *,
        name: str,
        digest: str = "",
        context_window: int | None = None,
        idle_seconds: float = launcher.IDLE_SECONDS,
    ) -> None:
        self._weights = weights
        self._name = name
        self._digest = digest
        self._context_window = context_window
        self._idle_seconds = idle_seconds
        self._known_head: _Head | None = None

    async def info(self) -> ModelInfo:
        """What the server says of the model; starts it where it is down. Raises ModelAPIError and its kin."""
        settings = await self._settings()
        record = await launcher.started(settings)
        slot = await _get(record, settings, "/props")
        facts = await _get(record, settings, "/v1/models")
        head = await self._head()
        return ModelInfo(
            name=self._name,
            backend="embedded",
            digest=settings.digest,
            context_window=slot["default_generation_settings"]["n_ctx"],
            parameters=facts["data"][0]["meta"]["n_params"],
            family=head.family,
            quantization=head.quantization,
            capabilities=frozenset({"schema", "cached_tokens", "logprobs", "prefill"}),
        )

    async def counter(self) -> TokenCounter:
        """The counter made of the tokenizer in the weights. Raises ConfigError.

        A chat template that is not known by heart is learned where the server runs, which is not started for it.
        """
        settings = await self._settings()
        counter = await asyncio.to_thread(tokens.gguf_counter, self._weights, settings.digest)
        if counter.exact or (record := await launcher.running(settings)) is None:
            return counter
        template = _Template(record, settings)
        key = tokens.template_key(settings.digest, "llama.cpp")
        return await tokens.completed(counter, key, template.rendered, template.measured)

    async def warnings(self) -> Sequence[str]:
        """None: the server is started by us, with settings that fit."""
        return []

    async def widen(self, tokens: int) -> ModelInfo:
        """Start the server anew with a larger window, unless somebody's call is under way.

        Raises ContextWindowExceededError with the reason; ModelAPIError and its kin.
        """
        info = await self.info()
        if info.context_window >= tokens:
            return info
        settings = await self._settings()
        record = await launcher.started(settings)
        shape = (await self._head()).shape
        freed = shape.need(info.context_window).total - shape.weights  # the weights are in the file cache
        wide = window.raised(shape, tokens, memory.spare() + freed)
        if not await _idle(record, settings):
            raise ContextWindowExceededError(
                "It cannot be raised now, because the embedded model is answering somebody else."
            )
        self._context_window = wide
        await launcher.stopped(settings, record)
        info = await self.info()
        if info.context_window < tokens:
            raise ContextWindowExceededError("It was not raised, because another editor was faster.")
        return info

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Answer; Loading comes first where the server must be started, Queued where its slots are all at work.

        Raises ModelAPIError and its kin.
        """
        settings = await self._settings()
        record = await launcher.running(settings)
        if record is None:
            yield Loading()
            record = await launcher.started(settings)
        async with aclosing(_chat(record, settings, completions.llama_body(messages, sampling))) as events:
            async for event in events:
                yield event

    async def state(self) -> str:
        """Whether it is loaded, and the memory it takes or would take; one sentence. Loads nothing.

        Raises ModelUnreachableError, ConfigError.
        """
        settings = await self._settings()
        if record := await launcher.running(settings):
            return f"It is loaded (process {record.pid})."
        needs, free = memory.gigabytes(settings.need.total), memory.gigabytes(memory.available())
        return f"It is not loaded yet; it will need {needs} of memory, and {free} are available."

    async def process(self) -> int | None:
        """The server's process id; None where it does not run."""
        record = await launcher.running(await self._settings())
        return record.pid if record else None

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers on a connection of its own; True while none runs, for then one is started."""
        settings = await self._settings()
        record = server.read_record(server.record_path(settings.lock))
        if record is None or not launcher.held(settings.lock):
            return True
        with _failures(record, settings):
            async with launcher.client(record) as client:
                return await transport.answers(client, "/health", seconds)

    async def aclose(self) -> None:
        """Nothing is open between calls; the server goes on for others, and ends by itself when idle."""

    async def _settings(self) -> Settings:
        """Made afresh each time: the window that fits depends on the memory that is free now."""
        shape = (await self._head()).shape
        chosen = self._context_window or window.largest(shape, memory.spare())
        chosen = min(chosen, shape.trained or chosen)
        return Settings(
            self._name, self._weights, self._digest, chosen, shape.need(chosen), self._idle_seconds
        )

    async def _head(self) -> _Head:
        if self._known_head is None:
            self._known_head = await asyncio.to_thread(self._read_head)
        return self._known_head

    def _read_head(self) -> _Head:
        self._digest = self._digest or weights.digest(self._weights)
        return _head(self._weights, self._digest)


@dataclass(frozen=True)
class _Head:
    """What the head of a GGUF file tells. family, quantization: see `ModelInfo`."""

    shape: Shape
    family: str
    quantization: str


_heads: dict[str, _Head] = {}
"""By digest: each ask makes its own model, and the head takes a quarter of a second to read."""


def _head(path: Path, digest: str) -> _Head:
    if digest not in _heads:
        metadata = gguf.metadata(path)
        family = metadata.get("general.architecture")
        _heads[digest] = _Head(
            shape=Shape.of(metadata, path.stat().st_size, server.SLOTS),
            family=family if isinstance(family, str) else "",
            quantization=gguf.quantization(metadata),
        )
    return _heads[digest]


@dataclass(frozen=True)
class _Template:
    """The running server's chat template, without a word from the model."""

    record: Record
    settings: Settings

    async def rendered(self, messages: Sequence[Message]) -> str:
        body = {"messages": completions.plain(messages), **completions.NO_THINKING}
        answer = await _post(self.record, self.settings, "/apply-template", body)
        return str(answer["prompt"])

    async def measured(self, messages: Sequence[Message]) -> int:
        body = {"content": await self.rendered(messages), "add_special": True, "parse_special": True}
        return len((await _post(self.record, self.settings, "/tokenize", body))["tokens"])


async def _get(record: Record, settings: Settings, path: str) -> dict[str, Any]:
    return await _answer(record, settings, "GET", path)


async def _post(record: Record, settings: Settings, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return await _answer(record, settings, "POST", path, transport.json_body(body))


async def _answer(
    record: Record, settings: Settings, method: str, path: str, body: bytes | None = None
) -> dict[str, Any]:
    with _failures(record, settings):
        async with launcher.client(record) as client:
            answer = await client.request(method, path, content=body)
        if answer.status_code != httpx.codes.OK:
            raise _refusal(settings, answer.status_code, transport.server_message(answer.content))
        return transport.json_object(answer.content, _server(record, settings))


async def _idle(record: Record, settings: Settings) -> bool:
    """Whether no call is under way, of whatever editor; one that was just stopped is given its time to end."""
    deadline = time.monotonic() + _STOPPING_SECONDS
    with _failures(record, settings):
        async with launcher.client(record) as client:
            while True:
                answer = (await client.get("/slots")).raise_for_status()
                if not any(slot["is_processing"] for slot in answer.json()):
                    return True
                if time.monotonic() > deadline:
                    return False
                await asyncio.sleep(_STOPPING_SECONDS / 20)


async def _chat(
    record: Record, settings: Settings, body: dict[str, Any]
) -> AsyncGenerator[StreamEvent, None]:
    server, refuse = _server(record, settings), partial(_refusal, settings)
    with _failures(record, settings):
        async with launcher.client(record) as client:
            call = completions.chat(client, "/v1/chat/completions", body, server, refuse)
            async with aclosing(slots.with_place(call, client)) as events:
                async for event in events:
                    yield event


def _refusal(settings: Settings, status: int, said: str) -> VivekError:
    if "context size" in said:
        return ContextWindowExceededError(
            f"The prompt does not fit in the embedded model's context window: {said}.",
            hint="Select less, or choose a model with a larger window.",
        )
    told = f"The embedded model's server answered {status}: {said}."
    return transport.refused(status, told, _again(settings))


@contextmanager
def _failures(record: Record, settings: Settings) -> Iterator[None]:
    """As `transport.failures`, with what to do about a server that is ours."""
    try:
        with transport.failures(_server(record, settings)):
            yield
    except ModelConnectionLostError as error:
        error.hint = _again(settings)
        raise


def _server(record: Record, settings: Settings) -> transport.Server:
    return transport.Server("the embedded model's server", record.url, _again(settings))


def _again(settings: Settings) -> str:
    return f"Ask again, which starts it anew; its log is {settings.log}."
