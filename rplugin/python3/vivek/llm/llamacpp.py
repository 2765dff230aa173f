"""The embedded model: llama.cpp's chat interface, over the server that `vivek.llm.launcher` finds or starts.

It loads nothing into this process, downloads nothing, and keeps no connection from call to call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from vivek.errors import ContextWindowExceededError, ModelConnectionLostError, VivekError
from vivek.llm import completions, gguf, launcher, memory, server, slots, tokens, transport, weights
from vivek.llm.base import Loading, Message, ModelInfo, Sampling, StreamEvent, TokenCounter
from vivek.llm.launcher import Settings
from vivek.llm.memory import Need
from vivek.llm.server import Record

CONTEXT_WINDOW = 8192
"""Tokens that prompt and reply share, for each of the server's slots; less where the
model was trained on less."""


class LlamaCppModel:
    """A GGUF file, run by llama.cpp on this machine.

    digest: the file's sha256 (hex) where it is known already; else it is computed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        name: str,
        digest: str = "",
        context_window: int = CONTEXT_WINDOW,
        idle_seconds: float = launcher.IDLE_SECONDS,
    ) -> None:
        self._weights = weights
        self._name = name
        self._digest = digest
        self._context_window = context_window
        self._idle_seconds = idle_seconds
        self._known_settings: Settings | None = None

    async def info(self) -> ModelInfo:
        """What the server says of the model; starts it where it is down. Raises ModelAPIError and its kin."""
        settings = await self._settings()
        record = await launcher.started(settings)
        slot = await _get(record, settings, "/props")
        facts = await _get(record, settings, "/v1/models")
        shape = await asyncio.to_thread(_shape, settings.weights, settings.digest)
        return ModelInfo(
            name=self._name,
            backend="embedded",
            digest=settings.digest,
            context_window=slot["default_generation_settings"]["n_ctx"],
            parameters=facts["data"][0]["meta"]["n_params"],
            family=shape.family,
            quantization=shape.quantization,
            capabilities=frozenset({"schema", "cached_tokens"}),
        )

    async def counter(self) -> TokenCounter:
        """The counter made of the tokenizer in the weights; needs no server. Raises ConfigError."""
        settings = await self._settings()
        return await asyncio.to_thread(tokens.gguf_counter, self._weights, settings.digest)

    async def warnings(self) -> Sequence[str]:
        """None: the server is started by us, with settings that fit."""
        return []

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
        if self._known_settings is None:
            self._known_settings = await asyncio.to_thread(self._read_settings)
        return self._known_settings

    def _read_settings(self) -> Settings:
        path = self._weights
        digest = self._digest or weights.digest(path)
        shape = _shape(path, digest)
        window = min(self._context_window, shape.trained_window or self._context_window)
        tokens_in_all = window * server.SLOTS
        need = Need(path.stat().st_size, tokens_in_all * shape.kv_bytes_per_token)
        return Settings(self._name, path, digest, window, need, self._idle_seconds)


@dataclass(frozen=True)
class _Shape:
    """What the head of a GGUF file tells. trained_window: tokens, 0 where it does not tell. family,
    quantization: see `ModelInfo`."""

    trained_window: int
    kv_bytes_per_token: int
    family: str
    quantization: str


_shapes: dict[str, _Shape] = {}
"""By digest: each ask makes its own model, and the head takes a quarter of a second to read."""


def _shape(path: Path, digest: str) -> _Shape:
    if digest not in _shapes:
        metadata = gguf.metadata(path)
        family = metadata.get("general.architecture")
        trained = metadata.get(f"{family}.context_length")
        _shapes[digest] = _Shape(
            trained_window=trained if isinstance(trained, int) else 0,
            kv_bytes_per_token=memory.kv_bytes_per_token(metadata),
            family=family if isinstance(family, str) else "",
            quantization=gguf.quantization(metadata),
        )
    return _shapes[digest]


async def _get(record: Record, settings: Settings, path: str) -> dict[str, Any]:
    with _failures(record, settings):
        async with launcher.client(record) as client:
            answer = await client.get(path)
        if answer.status_code != httpx.codes.OK:
            raise _refusal(settings, answer.status_code, transport.server_message(answer.content))
        return transport.json_object(answer.content, _server(record, settings))


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
