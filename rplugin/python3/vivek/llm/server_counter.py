"""Counts tokens by asking the model's own server: llama.cpp's and vLLM's `/tokenize`.

For weights that are not on this machine. It is synchronous, because counters are called from worker threads; each
text is asked for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import httpx

from vivek.cancel import CancelToken
from vivek.errors import ModelAPIError
from vivek.llm import transport
from vivek.llm.base import Message
from vivek.llm.completions import NO_THINKING, Refusal, one_system, plain
from vivek.llm.loop import ModelLoop

REMEMBERED = 4096
"""Texts whose counts are kept; the oldest goes first."""


class ServerCounter:
    """A TokenCounter that asks.

    refuse: makes an error of an answer that is none. Counting raises it, ModelUnreachableError, JSONParsingError.
    """

    exact = True

    def __init__(
        self,
        server: transport.Server,
        kind: Literal["llama.cpp", "vLLM"],
        model: str,
        headers: Mapping[str, str],
        refuse: Refusal,
    ) -> None:
        self._server = server
        self._kind = kind
        self._model = model
        self._refuse = refuse
        # A loopback connection costs nothing to open, and llama.cpp closes kept ones without a word.
        closed = {"Connection": "close"} if transport.is_loopback(server.url) else {}
        options = {**transport.client_options(server.url), "timeout": transport.told_within()}
        self._client = httpx.Client(base_url=server.url, headers={**headers, **closed}, **options)
        self._known: dict[object, int] = {}

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""
        return self._remembered(text, lambda: self._tokens(text, first=False)) if text else 0

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the prompt that the server's chat template makes of the messages."""
        return self._remembered(tuple(messages), lambda: self._prompt_tokens(messages))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _remembered(self, key: object, ask: Any) -> int:
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = ask()
        return self._known[key]

    def _tokens(self, text: str, *, first: bool) -> int:
        """Tokens of a text; `first` adds what the model wants before a whole prompt."""
        if self._kind == "vLLM":
            body: dict[str, Any] = {"model": self._model, "prompt": text, "add_special_tokens": first}
        else:
            body = {"content": text, "parse_special": True, "add_special": first}
        return self._length(self._post("/tokenize", body))

    def _prompt_tokens(self, messages: Sequence[Message]) -> int:
        told = plain(one_system(messages))
        if self._kind == "vLLM":
            body = {"model": self._model, "messages": told, "add_generation_prompt": True}
            return self._length(self._post("/tokenize", body))
        made = self._post("/apply-template", {"messages": told, **NO_THINKING})
        return self._tokens(str(made.get("prompt", "")), first=True)

    def _length(self, answer: Mapping[str, Any]) -> int:
        if isinstance(answer.get("count"), int):
            return int(answer["count"])
        if isinstance(answer.get("tokens"), list):
            return len(answer["tokens"])
        raise ModelAPIError(f"{self._server} does not tell how many tokens a text has.", hint="Update it.")

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with transport.failures(self._server):
            response = self._client.post(path, content=transport.json_body(body))
            if not response.is_success:
                raise self._refuse(response.status_code, transport.server_message(response.content))
            return transport.json_object(response.content, self._server)


class StoppableCounter:
    """A ServerCounter for one run. Counting raises RunStoppedError as soon as the run is stopped, and as the counter.

    Not to be used on the loop's own thread.
    """

    exact = True

    def __init__(self, counter: ServerCounter, loop: ModelLoop, cancel: CancelToken) -> None:
        self._counter = counter
        self._loop = loop
        self._cancel = cancel

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""
        return self._loop.run(asyncio.to_thread(self._counter.count, text), self._cancel)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the prompt that the server's chat template makes of the messages."""
        return self._loop.run(asyncio.to_thread(self._counter.count_messages, messages), self._cancel)
