"""A model that says what it was told to say, for tests: no weights, no server, the same protocol.

It also stands in for a model in the tests of the editor, where the host process reads its replies from a
file. It does not sample: of `Sampling` only max_tokens and likely count.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vivek import errors
from vivek.errors import ConfigError, ContextWindowExceededError, ModelAPIError, VivekError
from vivek.llm.base import (
    CallStats,
    Capability,
    Finished,
    Message,
    ModelInfo,
    Reading,
    Sampling,
    StreamEvent,
    Text,
    Token,
    TokenCounter,
)
from vivek.llm.line import Line

MESSAGE_TOKENS = 4
"""What the scripted chat template adds to each message, and to the prompt as a whole."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


class ScriptedCounter:
    """Each word, each run of blanks and each other character is one token."""

    exact = True

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""
        return sum(1 for _ in _TOKEN.finditer(text))

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the whole prompt: MESSAGE_TOKENS a message, and as many for the reply's
        opening."""
        return sum(self.count(message.content) + MESSAGE_TOKENS for message in messages) + MESSAGE_TOKENS


@dataclass(frozen=True)
class Reply:
    """One scripted reply.

    chunks: the pieces it comes in. tokens_per_second: one chunk is one token; 0 is as fast as possible.
    error: raised when `after` characters were sent. hang: say nothing more after the text, until the call is
    cancelled. likely: the log-probabilities that are told of the first chunk's place, where a call asks for them.
    """

    chunks: tuple[str, ...]
    tokens_per_second: float = 0
    error: VivekError | None = None
    after: int = 0
    hang: bool = False
    likely: Mapping[str, float] = field(default_factory=dict)

    def sent(self) -> Iterator[str]:
        """The chunks that are sent, cut where the error strikes."""
        if self.error is None:
            yield from self.chunks
            return
        left = self.after
        for chunk in self.chunks:
            if left <= 0:
                return
            yield chunk[:left]
            left -= len(chunk)


@dataclass
class Script:
    """What the model will say, and how large it claims to be.

    repeat_last: say the last reply for ever. widest: what its context window can be raised to, 0 for nothing more.
    slots: how many calls are answered at once, in the order in which they come; 0 for all.
    """

    replies: list[Reply] = field(default_factory=list)
    context_window: int = 8192
    repeat_last: bool = False
    parameters: float | None = None
    family: str = ""
    quantization: str = ""
    capabilities: Collection[Capability] = ()
    widest: int = 0
    slots: int = 0

    def __post_init__(self) -> None:
        self.capabilities = frozenset(self.capabilities)

    def reply(self, place: int) -> Reply:
        """The reply to call number `place`, counted from 0. Raises ModelAPIError where the script has
        ended."""
        if place >= len(self.replies) and not (self.repeat_last and self.replies):
            raise ModelAPIError(
                f"The script has {len(self.replies)} replies; this is call {place + 1}.",
                hint='Add a reply, or set "repeat_last".',
            )
        return self.replies[min(place, len(self.replies) - 1)]


class ScriptedModel:
    """A ChatModel that follows a Script. prompts: the messages of every call so far, for tests to look at."""

    def __init__(
        self,
        *replies: str,
        name: str = "scripted",
        context_window: int = 8192,
        repeat_last: bool = False,
        parameters: float | None = None,
        capabilities: Collection[Capability] = (),
        widest: int = 0,
        slots: int = 0,
    ) -> None:
        script = Script(
            [Reply(tokens(text)) for text in replies],
            context_window,
            repeat_last,
            parameters,
            capabilities=capabilities,
            widest=widest,
            slots=slots,
        )
        self.name = name
        self.prompts: list[list[Message]] = []
        self.samplings: list[Sampling] = []
        self.closed = False
        self._script: Callable[[], Script] = lambda: script
        self._raised = 0
        self._place = _Place()

    @classmethod
    def from_file(cls, path: Path) -> ScriptedModel:
        """A model that follows a JSON file, read again for every call, so that a test can alter it between
        calls.

        ``{"replies": [{"text": str, "tokens_per_second": n, "error": null | {"kind", "message", "after"},
        "hang": bool, "likely": {text: n}}], "context_window": n, "repeat_last": bool, "parameters": n | null,
        "family": str, "quantization": str, "capabilities": ["schema"], "widest": n, "slots": n}``; all but "text" may
        be left out. How many replies were used is kept for the life of the process, whatever the file becomes and
        however many models read it. Raises ConfigError, on the first call, where it is not such a file.
        """
        model = cls(name=path.stem)
        model._script = partial(_script_in, path)
        model._place = _PLACES.setdefault(path.resolve(), _Place())
        return model

    def enqueue(
        self,
        reply: str | Sequence[str] | VivekError,
        *,
        tokens_per_second: float = 0,
        error: VivekError | None = None,
        after: int | None = None,
        hang: bool = False,
        likely: Mapping[str, float] | None = None,
    ) -> None:
        """Add a reply: text, ready-made chunks, or an error that comes at once.

        error, after: fail when `after` characters were sent, after all of them by default. hang, likely: see Reply.
        """
        if isinstance(reply, VivekError):
            chunks: tuple[str, ...] = ()
            error = reply
        else:
            chunks = tokens(reply) if isinstance(reply, str) else tuple(reply)
        end = sum(map(len, chunks)) if after is None else after
        self._script().replies.append(Reply(chunks, tokens_per_second, error, end, hang, likely or {}))

    async def info(self) -> ModelInfo:
        """The model as its script describes it. Raises ConfigError where the script's file is not one."""
        script = self._script()
        return ModelInfo(
            self.name,
            "scripted",
            "",
            self._window(script),
            script.parameters,
            script.family,
            script.quantization,
            frozenset(script.capabilities),
        )

    async def counter(self) -> TokenCounter:
        """A ScriptedCounter."""
        return ScriptedCounter()

    async def warnings(self) -> Sequence[str]:
        """None."""
        return []

    async def widen(self, tokens: int) -> ModelInfo:
        """As the script allows."""
        script = self._script()
        if max(self._window(script), script.widest) < tokens:
            raise ContextWindowExceededError("It cannot be raised: the script does not allow it.")
        self._raised = script.widest if self._window(script) < tokens else self._raised
        return await self.info()

    def _window(self, script: Script) -> int:
        return max(script.context_window, self._raised)

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        """Say the next reply, when its turn has come.

        Raises the error that the script names, ContextWindowExceededError, ModelAPIError where it has ended.
        """
        self.prompts.append(list(messages))
        self.samplings.append(sampling)
        script = self._script()
        reply = script.reply(self._place.step())
        total = _fitting(messages, self._window(script))
        line, turns = self._place.queue(script.slots)
        call = _said(reply, sampling, total, turns)
        async with aclosing(line.along(call, Reading(0, total))) as events:
            async for event in events:
                yield event

    async def answers(self, seconds: float) -> bool:  # noqa: ARG002  (the protocol's)
        """True."""
        return True

    async def aclose(self) -> None:
        """Only noted, in `closed`."""
        self.closed = True


def tokens(text: str) -> tuple[str, ...]:
    """The text in ScriptedCounter's tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


class _Place:
    """How many replies were used, and who waits for one."""

    def __init__(self) -> None:
        self._used = 0
        self._queues: dict[int, tuple[Line, asyncio.Semaphore]] = {}

    def step(self) -> int:
        self._used += 1
        return self._used - 1

    def queue(self, slots: int) -> tuple[Line, asyncio.Semaphore]:
        many = slots or sys.maxsize
        return self._queues.setdefault(slots, (Line(many), asyncio.Semaphore(many)))


_PLACES: dict[Path, _Place] = {}


async def _said(
    reply: Reply, sampling: Sampling, total: int, turns: asyncio.Semaphore
) -> AsyncGenerator[StreamEvent, None]:
    asked = time.monotonic()
    async with turns:
        start = time.monotonic()
        yield Reading(total, total)
        said, first = 0, 0.0
        for chunk in reply.sent():
            if said == sampling.max_tokens:
                break
            await _pace(start, said, reply.tokens_per_second)
            first = first or _milliseconds(asked)
            told = sampling.likely and not said and reply.likely
            said += 1
            yield Text(chunk, (Token(chunk, reply.likely.get(chunk, 0.0), reply.likely),) if told else ())
        else:
            if reply.hang:
                await asyncio.Event().wait()
            if reply.error:
                raise _again(reply, said)
        cut = said < len(reply.chunks)
        yield Finished("length" if cut else "stop", CallStats(total, 0, said, first, _milliseconds(asked)))


def _fitting(messages: Sequence[Message], context_window: int) -> int:
    total = ScriptedCounter().count_messages(messages)
    if total >= context_window:
        raise ContextWindowExceededError(
            f"The prompt has {total} tokens; the scripted model's context window holds {context_window}.",
            hint="Select less, or ask in a fresh conversation.",
        )
    return total


async def _pace(start: float, said: int, tokens_per_second: float) -> None:
    due = start + (said + 1) / tokens_per_second if tokens_per_second else 0.0
    await asyncio.sleep(max(0.0, due - time.monotonic()))


def _again(reply: Reply, said: int) -> VivekError:
    """A fresh copy: an error object that is raised twice carries its first traceback along."""
    assert reply.error is not None
    partial_text = reply.error.partial or "".join(reply.chunks)[: reply.after]
    return type(reply.error)(reply.error.message, hint=reply.error.hint, partial=partial_text if said else "")


def _milliseconds(start: float) -> float:
    return (time.monotonic() - start) * 1000


def _script_in(path: Path) -> Script:
    try:
        content = json.loads(path.read_text("utf-8"))
        replies = [_reply(item) for item in content.pop("replies")]
        return Script(replies, **content)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(f"`{path}` is not a script of replies: {error!r}.") from error


def _reply(item: dict[str, Any]) -> Reply:
    chunks = tokens(item["text"])
    failure = item.get("error")
    return Reply(
        chunks,
        item.get("tokens_per_second") or 0,
        _error(failure) if failure else None,
        failure.get("after", len(item["text"])) if failure else 0,
        bool(item.get("hang")),
        item.get("likely") or {},
    )


def _error(failure: dict[str, Any]) -> VivekError:
    kind = getattr(errors, failure["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, VivekError)):
        raise KeyError(f"no such error: {failure['kind']}")
    return kind(failure["message"], hint=failure.get("hint", ""))
