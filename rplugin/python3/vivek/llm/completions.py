"""The chat protocol of OpenAI's `/v1/chat/completions`, as llama.cpp and the servers that follow it speak it.

Between a `Sampling` and a request's body, and between server-sent chunks and stream events. It opens no connection
and knows no server's address: the embedded llama.cpp and the OpenAI-compatible backend each bring their own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from vivek.errors import ModelAPIError, VivekError
from vivek.llm import transport
from vivek.llm.base import CallStats, Finished, Message, Reading, Sampling, StreamEvent, Text
from vivek.llm.probabilities import tokens_of

Refusal = Callable[[int, str], VivekError]
"""Makes an error of the HTTP status and the server's own words."""

NO_THINKING: Mapping[str, Any] = {"chat_template_kwargs": {"enable_thinking": False}}
"""What has the chat template of a reasoning model leave out its thoughts."""


def body(messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    """The part of the request's body that every such server takes; it asks for a stream that ends with the usage."""
    content = {
        "messages": plain(one_system(messages)),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if sampling.schema is not None:
        schema = {"name": "reply", "strict": True, "schema": dict(sampling.schema)}
        content["response_format"] = {"type": "json_schema", "json_schema": schema}
    if sampling.likely:
        content |= {"logprobs": True, "top_logprobs": sampling.likely}
    return content


def llama_body(messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    """The body with what llama.cpp alone understands: its own name of the penalty, and progress while it reads."""
    return {
        **body(messages, sampling),
        "repeat_penalty": sampling.repeat_penalty,
        "return_progress": True,
        **NO_THINKING,
    }


def plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The messages as such servers take them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def one_system(messages: Sequence[Message]) -> list[Message]:
    """The messages with all system messages made one, at the start: templates keep only the first or the last."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    return [Message("system", system), *others] if system else others


async def chat(
    client: httpx.AsyncClient,
    path: str,
    content: Mapping[str, Any],
    server: transport.Server,
    refuse: Refusal,
) -> AsyncGenerator[StreamEvent, None]:
    """Post the body and yield the reply: Reading where the server tells of it, Text pieces, and Finished last.

    Raises what `refuse` makes of the server's errors, and as `transport.failures`.
    """
    reply = Reply(refuse)
    with transport.failures(server, reply.written):
        async with client.stream("POST", path, content=transport.json_body(content)) as response:
            if response.status_code != httpx.codes.OK:
                failure = refuse(response.status_code, transport.server_message(await response.aread()))
                if isinstance(failure, ModelAPIError):
                    failure.retry_after = transport.retry_after(response.headers)
                raise failure
            async for chunk in transport.server_sent(response, server):
                for event in reply.events(chunk):
                    yield event
        if not reply.reason:
            raise transport.connection_lost(server, reply.written)
        yield reply.end()


class Reply:
    """What a stream of chunks makes, piece by piece.

    written: the text so far, in pieces. reason: why it ended, in the server's word; "" while it goes on.
    """

    def __init__(self, refuse: Refusal) -> None:
        self.written: list[str] = []
        self.reason = ""
        self._refuse = refuse
        self._usage: Mapping[str, Any] = {}
        self._began = time.monotonic()
        self._first_token_ms = 0.0

    def events(self, chunk: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """The events that one chunk makes. Raises what `refuse` makes of an error in it."""
        if chunk.get("error"):
            raise self._refuse(_status(chunk["error"]), transport.error_text(chunk["error"]))
        if progress := chunk.get("prompt_progress"):
            yield Reading(progress["processed"], progress["total"])
        for choice in chunk.get("choices") or ():
            self.reason = choice.get("finish_reason") or self.reason
            text = (choice.get("delta") or {}).get("content") or ""
            tokens = tokens_of((choice.get("logprobs") or {}).get("content"))
            if text or tokens:
                self._first_token_ms = self._first_token_ms or self._milliseconds()
                self.written.append(text)
                yield Text(text, tokens)
        self._usage = chunk.get("usage") or self._usage

    def end(self) -> Finished:
        """The end of the reply, with its cost as far as the server told it: a piece is a token where it did not."""
        total = self._milliseconds()
        stats = CallStats(
            prompt_tokens=self._usage.get("prompt_tokens") or 0,
            cached_tokens=(self._usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            generated_tokens=self._usage.get("completion_tokens") or len(self.written),
            first_token_ms=self._first_token_ms or total,
            total_ms=total,
        )
        return Finished("length" if self.reason == "length" else "stop", stats)

    def _milliseconds(self) -> float:
        return (time.monotonic() - self._began) * 1000


def _status(error: object) -> int:
    """The HTTP status that an error within a stream names; 500 where it names none."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else httpx.codes.INTERNAL_SERVER_ERROR
