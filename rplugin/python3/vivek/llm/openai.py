"""Between the agent and any OpenAI-compatible server: llama-server, vLLM, LM Studio, MLX-LM's server, Ollama's `/v1`.

It finds out which kind of server it is and sends each only what that kind understands. The key comes from the
environment alone (VIVEK_API_KEY) and is in no message and no log. It starts no server and downloads nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from vivek.errors import (
    ConfigError,
    ContextWindowExceededError,
    ModelAPIError,
    ModelBusyError,
    ModelConnectionLostError,
    ModelNotFoundError,
    ModelUnreachableError,
    VivekError,
)
from vivek.llm import completions, gguf, openai_facts, slots, tokens, transport, weights
from vivek.llm.base import Capability, Message, ModelInfo, Sampling, StreamEvent, TokenCounter
from vivek.llm.openai_facts import Facts, Kind
from vivek.llm.server_counter import ServerCounter

KEY_VARIABLE = "VIVEK_API_KEY"
"""The environment variable that holds the server's key, where it wants one."""

DEFAULT_WINDOW = 4096
"""Tokens that a window is taken for where the server does not tell: what LM Studio and Ollama load a model with
where nobody says otherwise."""

_CAPABILITIES: Mapping[Kind, frozenset[Capability]] = {
    "llama.cpp": frozenset({"schema", "cached_tokens", "logprobs", "prefill"}),
    "vLLM": frozenset({"schema", "logprobs"}),
    "LM Studio": frozenset({"schema"}),
    "Ollama": frozenset({"schema"}),
    "unknown": frozenset(),
}

_PENALTY: Mapping[Kind, str] = {
    "llama.cpp": "repeat_penalty",
    "vLLM": "repetition_penalty",
    "LM Studio": "repeat_penalty",
}
"""What each calls `Sampling.repeat_penalty`. It is always sent where it has a name: vLLM's default is the model's own,
which for Qwen is 1.1 and punishes what code is full of. Servers that refuse unknown fields get none."""

_REFUSE_LONG_PROMPTS: frozenset[Kind] = frozenset({"llama.cpp", "vLLM"})
"""Those that answer a prompt which does not fit with an error; the others may cut it without a word."""

_log = logging.getLogger(__name__)

_TOO_LONG = re.compile(r"context (?:size|length|window)|n_ctx|maximum context", re.IGNORECASE)


class OpenAIModel:
    """One model of one OpenAI-compatible server.

    url: the server's address, with or without ``/v1``. name: as the server lists it; None for the only or first one.
    key: the server's key; None for the one in VIVEK_API_KEY. Raises ConfigError for what is no address, or no key.
    """

    def __init__(self, url: str, name: str | None = None, *, key: str | None = None) -> None:
        self._wanted = name
        self._key = _checked_key(os.environ.get(KEY_VARIABLE, "") if key is None else key)
        self._headers = {"Content-Type": "application/json"}
        if self._key:
            self._headers["Authorization"] = f"Bearer {self._key}"
        hint = "Start it, or set `url` to where it runs."
        self._server = transport.Server("the OpenAI-compatible server", base_url(url), hint)
        # llama.cpp closes kept connections without a word, hence none is kept where opening one costs nothing.
        closed = {"Connection": "close"} if transport.is_loopback(self._server.url) else {}
        self._client = transport.client(self._server.url, headers={**self._headers, **closed})
        self._known: _Known | None = None
        self._counter: TokenCounter | None = None

    @property
    def url(self) -> str:
        """The server's address, without ``/v1``."""
        return self._server.url

    async def info(self) -> ModelInfo:
        """What the server says of the model.

        Raises ModelUnreachableError, ModelNotFoundError, ModelAPIError, JSONParsingError.
        """
        known = await self._probed()
        facts = known.facts
        return ModelInfo(
            name=facts.name,
            backend="openai",
            digest=known.digest,
            context_window=facts.window or DEFAULT_WINDOW,
            parameters=facts.parameters,
            family=facts.family,
            quantization=facts.quantization,
            capabilities=_CAPABILITIES[facts.kind],
        )

    async def counter(self) -> TokenCounter:
        """Exact where the weights are on this machine, or the server counts; else approximate. Raises as `info`."""
        if self._counter is None:
            known = await self._probed()
            made: TokenCounter | None = None
            if known.weights is not None:
                made = await asyncio.to_thread(tokens.gguf_counter, known.weights, known.digest)
            if made is None or not made.exact:
                made = await self._asking(known.facts) or made
            self._counter = made or tokens.ApproximateCounter()
        return self._counter

    async def _asking(self, facts: Facts) -> ServerCounter | None:
        """A counter that asks the server; None where it has no page for it, as behind a gateway to ``/v1`` alone."""
        if facts.kind not in ("llama.cpp", "vLLM"):
            return None
        counter = ServerCounter(self._server, facts.kind, facts.id, self._headers, self._refusal)
        try:
            await asyncio.to_thread(counter.count_messages, [Message("user", "x")])
        except VivekError as error:
            counter.close()
            if isinstance(error, ModelUnreachableError | ModelBusyError | ModelConnectionLostError):
                raise
            _log.info("Tokens are only estimated: %s", error)
            return None
        return counter

    async def warnings(self) -> Sequence[str]:
        """A context window that is only assumed; Ollama, which its own backend knows better. Raises as `info`."""
        facts = (await self._probed()).facts
        told = []
        if facts.window is None:
            told.append(
                f"{self._server} does not tell the context window of {facts.name}: it is taken for"
                f" {DEFAULT_WINDOW} tokens. Load the model with no less."
            )
        if facts.kind == "Ollama":
            told.append(
                "This is Ollama, whose /v1 interface cuts long prompts without a word: "
                f'set backend = "ollama" and url = "{self._server.url}".'
            )
        return told

    async def widen(self, tokens: int) -> ModelInfo:
        """The model as it is, where its window holds so many tokens.

        Raises ContextWindowExceededError, with the reason alone, where it does not: who starts the server chooses it.
        """
        info = await self.info()
        if info.context_window < tokens:
            raise ContextWindowExceededError(
                f"It cannot be raised from here: load {info.name} with at least {tokens} tokens in {self._server.name}."
            )
        return info

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Answer. Queued and Reading come from llama.cpp alone.

        Raises ContextWindowExceededError, ModelConnectionLostError with the partial text, and as `info`.
        """
        facts = (await self._probed()).facts
        if facts.kind not in _REFUSE_LONG_PROMPTS:
            self._refuse_long(messages, facts.window or DEFAULT_WINDOW)
        body = _body(facts, messages, sampling)
        events = completions.chat(self._client, "/v1/chat/completions", body, self._server, self._refusal)
        if facts.kind == "llama.cpp":
            events = slots.with_place(events, self._client)
        async with aclosing(events) as told:
            async for event in told:
                yield event

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers on a connection of its own within that time; asks nothing of the model.

        True for a server of unknown kind: some, as MLX-LM's, take one request at a time. Raises ModelAPIError.
        """
        if self._known is None or self._known.facts.kind == "unknown":
            return True
        with transport.failures(self._server):
            async with transport.client(self._server.url, headers=self._headers) as client:
                path = "/health" if self._known.facts.kind == "llama.cpp" else "/v1/models"
                return await transport.answers(client, path, seconds)

    async def aclose(self) -> None:
        """Close the connections; the server stays."""
        await self._client.aclose()
        if isinstance(self._counter, ServerCounter):
            self._counter.close()

    async def _probed(self) -> _Known:
        if self._known is None:
            listed = await self._get("/v1/models")
            rows = openai_facts.entries(listed or {})
            row = await self._picked(rows)
            facts = await openai_facts.facts(row, self._get_where_there_is)
            self._known = await asyncio.to_thread(_with_weights, facts, self._server.url)
        return self._known

    async def _picked(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        if self._wanted is not None:
            if found := openai_facts.named(rows, self._wanted):
                return found
            raise self._no_model(rows)
        if len(rows) > 1 and (loaded := await openai_facts.loaded_in_lm_studio(self._get_where_there_is)):
            return openai_facts.named(rows, loaded) or rows[0]
        if not rows:
            raise ModelNotFoundError(
                f"{self._server} has no model that answers.", hint="Load one there, then ask again."
            )
        return rows[0]

    def _no_model(self, rows: Sequence[Mapping[str, Any]]) -> ModelNotFoundError:
        names = ", ".join(openai_facts.shown(row["id"]) for row in rows) or "none at all"
        return ModelNotFoundError(
            f"{self._server} has no model `{self._wanted}` (it has {names}).",
            hint="Name one of these with `model`, or leave `model` out to take the first.",
        )

    async def _get_where_there_is(self, path: str) -> Mapping[str, Any] | None:
        """What is at the path; None where nothing is, or something that is no JSON object."""
        response = await self._ask(path)
        if not response.is_success:
            return None
        try:
            return transport.json_object(response.content, self._server)
        except VivekError:
            return None

    async def _get(self, path: str) -> Mapping[str, Any]:
        response = await self._ask(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise ModelAPIError(
                f"{self._server} has no {path}.",
                hint="Set `url` to the address before /v1, and see that an OpenAI-compatible server is there.",
            )
        if not response.is_success:
            raise self._refusal(response.status_code, transport.server_message(response.content))
        return transport.json_object(response.content, self._server)

    async def _ask(self, path: str) -> httpx.Response:
        with transport.failures(self._server):
            return await self._client.get(path, timeout=transport.told_within())

    def _refuse_long(self, messages: Sequence[Message], window: int) -> None:
        counted = (self._counter or tokens.ApproximateCounter()).count_messages(messages)
        if counted > window:
            raise ContextWindowExceededError(
                f"The prompt has about {counted} tokens; the context window holds {window}.",
                hint=_SELECT_LESS,
            )

    def _refusal(self, status: int, said: str) -> VivekError:
        """The error of an answer's status and the server's own words, from which the key is taken out."""
        said = said.replace(self._key, "***") if self._key else said
        if _TOO_LONG.search(said):
            return ContextWindowExceededError(
                f"The prompt does not fit in the model's context window: {said}.", hint=_SELECT_LESS
            )
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            problem = "does not take the key in" if self._key else "wants a key, and there is none in"
            return ModelAPIError(
                f"{self._server} {problem} {KEY_VARIABLE}.",
                hint=f"Set {KEY_VARIABLE} to the right key before Neovim or `vivek` starts.",
            )
        if status == httpx.codes.NOT_FOUND and "model" in said.lower():
            return ModelNotFoundError(
                f"{self._server} answered: {said}.",
                hint="Ask again; the model may have been taken away meanwhile.",
            )
        told = f"{self._server} answered {status}: {said}."
        return transport.refused(status, told, "See its log, then ask again.")


_SELECT_LESS = "Select less, or load the model with a larger context window."


@dataclass(frozen=True)
class _Known:
    """What is known of the model. weights: its file where that is on this machine. digest: the file's sha256."""

    facts: Facts
    weights: Path | None = None
    digest: str = ""


def base_url(url: str) -> str:
    """The address that paths such as ``/v1/models`` are joined to.

    It may be given with a path, with ``/v1`` or a whole endpoint's, or without its scheme. Raises ConfigError for one
    that holds a password or a query: keys have their own place.

    >>> base_url("localhost:8080/v1/"), base_url("https://host/api/v1/chat/completions")
    ('http://localhost:8080', 'https://host/api')
    """
    text = url.strip() if "://" in url else f"http://{url.strip()}"
    if re.search(r"//[^/]*@|\?", text):
        raise ConfigError(
            "The server's address must hold neither a password nor a query.",
            hint=f"Give the key in the environment variable {KEY_VARIABLE}.",
        )
    return re.sub(r"(/v1(/(chat/)?completions|/models)?)?/*$", "", text.split("#")[0])


def _checked_key(key: str) -> str:
    """The key without blanks around it. Raises ConfigError, which does not show it, where it cannot be sent."""
    key = key.strip()
    if not all("!" <= letter <= "~" for letter in key):
        raise ConfigError(
            f"The key in {KEY_VARIABLE} holds blanks or letters that no key has.",
            hint="Copy it again, whole.",
        )
    return key


def _body(facts: Facts, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    if facts.kind == "llama.cpp":
        return {"model": facts.id, **completions.llama_body(messages, sampling)}
    body = {"model": facts.id, **completions.body(messages, sampling)}
    if "schema" not in _CAPABILITIES[facts.kind]:
        body.pop("response_format", None)
    if "logprobs" not in _CAPABILITIES[facts.kind]:
        body.pop("logprobs", None)
        body.pop("top_logprobs", None)
    if penalty := _PENALTY.get(facts.kind):
        body[penalty] = sampling.repeat_penalty
    if facts.kind == "vLLM":
        body |= completions.NO_THINKING
    return body


def _with_weights(facts: Facts, url: str) -> _Known:
    """The facts with the weights' file, where the server runs on this machine and that file is the model's."""
    path = Path(facts.weights) if facts.weights else None
    if path is None or not transport.is_loopback(url) or not path.is_file():
        return _Known(facts)
    try:
        digest = weights.digest(path)
        vocabulary, family = _head(path, digest)
    except (ConfigError, OSError):
        return _Known(facts)
    # Behind a loopback address may be a container or a tunnel, where the same path is another file.
    if vocabulary != facts.vocabulary:
        return _Known(facts)
    return _Known(replace(facts, family=family), path, digest)


_heads: dict[str, tuple[int, str]] = {}
"""By digest: each ask makes its own model, and the head takes a quarter of a second to read."""


def _head(path: Path, digest: str) -> tuple[int, str]:
    """Number of tokens in the vocabulary, and the architecture. Raises ConfigError."""
    if digest not in _heads:
        metadata = gguf.metadata(path)
        listed = metadata.get("tokenizer.ggml.tokens")
        size = len(listed) if isinstance(listed, list) else 0
        _heads[digest] = size, str(metadata.get("general.architecture", ""))
    return _heads[digest]
