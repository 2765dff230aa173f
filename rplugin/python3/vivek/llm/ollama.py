"""Between the agent and one model of an Ollama server: its chats, what it says of itself, and its window.

All of it goes by httpx, because the `ollama` package cannot send `truncate`, `shift` or `verbose`; that package lists
and pulls models in `vivek.llm.ollama_store`. It starts no server and downloads nothing.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from vivek.errors import (
    ContextWindowExceededError,
    ModelAPIError,
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
from vivek.llm.line import Line
from vivek.llm.ollama_store import api_failure, full_name, list_models, loaded_models, server_at
from vivek.llm.probabilities import tokens_of
from vivek.llm.traps import (
    LOGPROBS_FROM,
    at_least,
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

_lines: dict[tuple[str, str], Line] = {}
"""By address and model: each ask makes its own client, and they wait for the same server."""


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
        self._server = server_at(url)
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
            capabilities=_capabilities(show, str((await self._page("/api/version")).get("version") or "")),
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

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Answer. Yields Loading where the model must be loaded, Queued where calls of this process come first,
        Reading (0 of all), Text pieces, Finished.

        Ollama tells no more of how far it has read, and nothing of its queue. Raises ModelUnreachableError,
        ModelNotFoundError, ContextWindowExceededError, ModelConnectionLostError with the partial text,
        JSONParsingError, ModelAPIError.
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
        request = self._request(options | _options(sampling), plain(one_system(messages)), stream=True)
        if sampling.schema is not None:
            request["format"] = sampling.schema
        if sampling.likely:  # an older server passes over what it does not know
            request |= {"logprobs": True, "top_logprobs": sampling.likely}
        line = _lines.setdefault((self._url, self.name), Line())
        async with aclosing(
            line.along(self._chat(request, total, start, load_ms), Reading(0, total))
        ) as events:
            async for event in events:
                yield event

    async def _chat(
        self, request: Mapping[str, Any], total: int, start: float, load_ms: float
    ) -> AsyncGenerator[StreamEvent, None]:
        written: list[str] = []
        first_ms = 0.0
        body = transport.json_body(request)
        with transport.failures(self._server, written):
            async with self._client.stream("POST", "/api/chat", content=body) as response:
                await self._check(response, total)
                async for part in transport.ndjson(response, self._server):
                    if part.get("error"):
                        raise self._failure(500, transport.error_text(part["error"]), total)
                    text = (part.get("message") or {}).get("content") or ""
                    tokens = tokens_of(part.get("logprobs"))
                    if text or tokens:
                        written.append(text)
                        first_ms = first_ms or _milliseconds(start)
                        yield Text(text, tokens)
                    if part.get("done"):
                        yield self._finished(part, total, load_ms, first_ms, _milliseconds(start))
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
        return (await loaded_models(self._url)).get(full_name(self.name))

    async def _settled(self, loaded: int | None) -> int:
        """The window to send. Once told it only grows: prompts are made for it."""
        shape = Shape.of((await self._show()).get("model_info") or {}, 0)
        wanted = self._window
        if wanted is None and loaded is not None and loaded >= shape.buckets[0]:
            wanted = loaded
        if wanted is None:
            shape = await self._shape()
            wanted = window.largest(shape, self._free(shape, loaded))
            if (
                memory.has_gpu()
            ):  # of whose memory Ollama tells nothing: what nobody needs yet is not taken there
                wanted = min(wanted, window.largest(shape, None))
        self._window = max(min(wanted, shape.trained or wanted), loaded or 0)
        return self._window

    async def _shape(self) -> Shape:
        details = (await self._show()).get("model_info") or {}
        sizes = {model.name: model.size for model in await list_models(self._url)}
        size = sizes.get(full_name(self.name)) or details.get("general.parameter_count") or 0
        return Shape.of(details, int(size))

    def _free(self, shape: Shape, loaded: int | None) -> int | None:
        """Memory for the model, what it takes already included. It can be told of this machine alone."""
        if not transport.is_loopback(self._url):
            return None
        return memory.spare() + (shape.need(loaded).total if loaded else 0)

    async def _show(self) -> dict[str, Any]:
        if self._description is None:
            self._description = await self._described({"model": self.name})
        return self._description

    async def _running(self) -> dict[str, Any]:
        """The model's entry in ``/api/ps``; {} where it is not loaded."""
        models = (await self._page("/api/ps")).get("models") or []
        return next((model for model in models if model.get("model") == full_name(self.name)), {})

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
        return api_failure(self._server, status, message, self.name)

    def _finished(
        self, part: Mapping[str, Any], total: int, load_ms: float, first_ms: float, elapsed_ms: float
    ) -> Finished:
        """The end, with the server's own figures; but of a call's time in its queue it tells only the whole."""
        read = part.get("prompt_eval_count") or total
        before = (part.get("load_duration") or 0) + (part.get("prompt_eval_duration") or 0)
        total_ms = load_ms + part["total_duration"] / 1e6 if part.get("total_duration") else elapsed_ms
        stats = CallStats(
            prompt_tokens=read,
            cached_tokens=None,
            generated_tokens=part.get("eval_count") or 0,
            first_token_ms=min(max(load_ms + before / 1e6, first_ms), total_ms),
            total_ms=total_ms,
        )
        return Finished("length" if part.get("done_reason") == "length" else "stop", stats)


def weights_digest(show: Mapping[str, Any]) -> str:
    """The sha256 (hex) of the weights, which the Modelfile in ``/api/show`` names as a blob; "" where it does
    not."""
    found = re.search(r"^FROM .*sha256[-:]([0-9a-f]{64})", show.get("modelfile") or "", re.MULTILINE)
    return found[1] if found else ""


def _capabilities(show: Mapping[str, Any], version: str) -> frozenset[Capability]:
    """Schemas came with Ollama 0.5; ``capabilities`` in ``/api/show``, by which a server is known to have them, with
    0.6.4; log-probabilities with 0.12.11. A begun reply is gone on with where the model's template leaves the last
    message open, for which it must look whether it is the last one. It does not tell how much of a prompt was cached.
    """
    found: set[Capability] = {"schema"} if "capabilities" in show else set()
    if at_least(version, LOGPROBS_FROM):
        found.add("logprobs")
    if "$last" in str(show.get("template") or ""):
        found.add("prefill")
    return frozenset(found)


def _options(sampling: Sampling) -> dict[str, Any]:
    return {
        "num_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "repeat_penalty": sampling.repeat_penalty,  # Ollama's own 1.1 punishes what code is full of: the same names
    }


def _milliseconds(start: float) -> float:
    return (time.monotonic() - start) * 1000
