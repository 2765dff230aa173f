"""The embedded model: llama.cpp's chat interface, over the server that `vivek.llm.launcher` finds or starts.

It loads nothing into this process, downloads nothing, and keeps no connection from call to call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from vivek.errors import ContextWindowExceededError, ModelAPIError, ModelConnectionLostError, VivekError
from vivek.llm import gguf, launcher, memory, server, tokens, transport, weights
from vivek.llm.base import (
    CallStats,
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
        return ModelInfo(
            name=self._name,
            backend="embedded",
            digest=settings.digest,
            context_window=slot["default_generation_settings"]["n_ctx"],
            parameters=facts["data"][0]["meta"]["n_params"],
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

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Answer; Loading comes first where the server must be started. Raises ModelAPIError and its kin."""
        settings = await self._settings()
        record = await launcher.running(settings)
        if record is None:
            yield Loading()
            record = await launcher.started(settings)
        async with aclosing(_chat(record, settings, _body(messages, sampling))) as events:
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
    """What the head of a GGUF file tells. trained_window: tokens, 0 where it does not tell."""

    trained_window: int
    kv_bytes_per_token: int


_shapes: dict[str, _Shape] = {}
"""By digest: each ask makes its own model, and the head takes a quarter of a second to read."""


def _shape(path: Path, digest: str) -> _Shape:
    if digest not in _shapes:
        metadata = gguf.metadata(path)
        trained = metadata.get(f"{metadata.get('general.architecture')}.context_length")
        window = trained if isinstance(trained, int) else 0
        _shapes[digest] = _Shape(window, memory.kv_bytes_per_token(metadata))
    return _shapes[digest]


@dataclass(frozen=True)
class _Template:
    """The running server's chat template, without a word from the model."""

    record: Record
    settings: Settings

    async def rendered(self, messages: Sequence[Message]) -> str:
        body = {"messages": _plain(messages), **_NO_THINKING}
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
            raise _refusal(answer.status_code, transport.server_message(answer.content))
        return transport.json_object(answer.content, _server(record, settings))


async def _chat(
    record: Record, settings: Settings, body: dict[str, Any]
) -> AsyncGenerator[StreamEvent, None]:
    reply = _Reply()
    with _failures(record, settings, reply.written):
        async with (
            launcher.client(record) as client,
            client.stream("POST", "/v1/chat/completions", content=transport.json_body(body)) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise _refusal(response.status_code, transport.server_message(await response.aread()))
            async for chunk in transport.server_sent(response, _server(record, settings)):
                for event in reply.events(chunk):
                    yield event
        if not reply.finished:
            raise transport.connection_lost(_server(record, settings), reply.written)


class _Reply:
    """What a stream of chunks makes, piece by piece. written: the text so far, in pieces."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.finished = False
        self._began = time.monotonic()
        self._first_token_ms = 0.0
        self._reason = ""

    def events(self, chunk: dict[str, Any]) -> Iterator[StreamEvent]:
        if "error" in chunk:
            raise ModelAPIError(f"The embedded model failed: {transport.error_text(chunk['error'])}.")
        if progress := chunk.get("prompt_progress"):
            yield Reading(progress["processed"], progress["total"])
        for choice in chunk.get("choices", ()):
            self._reason = choice.get("finish_reason") or self._reason
            if text := choice["delta"].get("content"):
                self._first_token_ms = self._first_token_ms or self._milliseconds()
                self.written.append(text)
                yield Text(text)
        if "usage" in chunk:
            self.finished = True
            yield Finished("length" if self._reason == "length" else "stop", self._stats(chunk["usage"]))

    def _stats(self, usage: dict[str, Any]) -> CallStats:
        total = self._milliseconds()
        return CallStats(
            prompt_tokens=usage["prompt_tokens"],
            cached_tokens=usage.get("prompt_tokens_details", {}).get("cached_tokens"),
            generated_tokens=usage["completion_tokens"],
            first_token_ms=self._first_token_ms or total,
            total_ms=total,
        )

    def _milliseconds(self) -> float:
        return (time.monotonic() - self._began) * 1000


def _body(messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    return {
        "messages": _plain(messages),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "repeat_penalty": sampling.repeat_penalty,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        **_NO_THINKING,
    }


_NO_THINKING: dict[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _refusal(status: int, said: str) -> VivekError:
    if "context size" in said:
        return ContextWindowExceededError(
            f"The prompt does not fit in the embedded model's context window: {said}.",
            hint="Select less, or choose a model with a larger window.",
        )
    return ModelAPIError(f"The embedded model's server answered {status}: {said}.")


@contextmanager
def _failures(record: Record, settings: Settings, written: Sequence[str] = ()) -> Iterator[None]:
    """As `transport.failures`, with what to do about a server that is ours."""
    try:
        with transport.failures(_server(record, settings), written):
            yield
    except ModelConnectionLostError as error:
        error.hint = _again(settings)
        raise


def _server(record: Record, settings: Settings) -> transport.Server:
    return transport.Server("the embedded model's server", record.url, _again(settings))


def _again(settings: Settings) -> str:
    return f"Ask again, which starts it anew; its log is {settings.log}."
