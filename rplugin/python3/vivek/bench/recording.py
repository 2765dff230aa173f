"""Between the agent and any model: keeps every call whole, its prompt, its reply and what it cost.

Also where a run's cap on replies and its seed come in, for every arm alike. It judges nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any, TypedDict

from vivek.errors import VivekError
from vivek.llm.around import AroundModel
from vivek.llm.base import (
    ChatModel,
    Finished,
    Message,
    Retrying,
    Sampling,
    StreamEvent,
    Text,
    TokenCounter,
)


class RecordedCall(TypedDict):
    """One call. ending: `stop`, `length`, `stopped`, or the kind of the error that ended it.

    cached_tokens: what the server says that it had in its cache, None where it does not tell. shared_tokens: how much
    of that a server would have that had heard nothing but this arm. Times in milliseconds.
    """

    messages: list[dict[str, str]]
    sampling: dict[str, Any]
    reply: str
    ending: str
    prompt_tokens: int
    cached_tokens: int | None
    shared_tokens: int
    generated_tokens: int
    first_token_ms: float
    total_ms: float


class Recorder:
    """The calls of one task. before: the last conversation that the same arm had, which a server still remembers.

    reply_cap: tokens, None for no cap of its own. seed: 1 leaves the seeds as they are.
    """

    def __init__(
        self, before: Sequence[Message] = (), *, reply_cap: int | None = None, seed: int = 1
    ) -> None:
        self.calls: list[RecordedCall] = []
        self._before = before
        self._reply_cap = reply_cap
        self._seed = seed

    def around(self, model: ChatModel) -> ChatModel:
        """The model, its calls recorded here."""
        return _Recorded(model, self)

    def bounded(self, sampling: Sampling) -> Sampling:
        """The sampling under this run's cap and seed."""
        most = min(sampling.max_tokens, self._reply_cap or sampling.max_tokens)
        return replace(sampling, max_tokens=most, seed=sampling.seed + self._seed - 1)

    def settled(self, counter: TokenCounter) -> list[RecordedCall]:
        """The calls, with the counts that the server did not tell.

        Not to be used on the model loop, for a counter may ask a server.
        """
        heard = [self._before] if self._before else []
        for call in self.calls:
            messages = _messages(call)
            call["prompt_tokens"] = call["prompt_tokens"] or counter.count_messages(messages)
            if call["ending"] not in ("stop", "length"):
                call["generated_tokens"] = counter.count(call["reply"])
            if call["cached_tokens"]:
                shared = max((_shared(messages, earlier, counter) for earlier in heard), default=0)
                call["shared_tokens"] = min(shared, call["cached_tokens"])
            heard.append(conversation(call))
        return self.calls


def conversation(call: RecordedCall) -> list[Message]:
    """A call's prompt with its reply."""
    return [*_messages(call), Message("assistant", call["reply"])]


def _messages(call: RecordedCall) -> list[Message]:
    return [Message(**message) for message in call["messages"]]  # type: ignore[arg-type]


class _Recorded(AroundModel):
    """A ChatModel whose calls are kept."""

    def __init__(self, model: ChatModel, recorder: Recorder) -> None:
        super().__init__(model)
        self._recorder = recorder

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        sampling = self._recorder.bounded(sampling)
        call: RecordedCall = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "sampling": asdict(sampling),
            "reply": "",
            "ending": "stopped",
            "prompt_tokens": 0,
            "cached_tokens": None,
            "shared_tokens": 0,
            "generated_tokens": 0,
            "first_token_ms": 0.0,
            "total_ms": 0.0,
        }
        try:
            async with aclosing(super().stream(messages, sampling)) as events:
                async for event in events:
                    _note(event, call)
                    yield event
        except VivekError as error:
            call["ending"] = error.kind
            raise
        finally:
            self._recorder.calls.append(call)


def _note(event: StreamEvent, call: RecordedCall) -> None:
    if isinstance(event, Text):
        call["reply"] += event.text
    elif isinstance(event, Retrying):
        call["reply"] = ""
    elif isinstance(event, Finished):
        stats = event.stats
        call["ending"] = event.reason
        call["prompt_tokens"] = stats.prompt_tokens
        call["cached_tokens"] = stats.cached_tokens
        call["generated_tokens"] = stats.generated_tokens
        call["first_token_ms"], call["total_ms"] = stats.first_token_ms, stats.total_ms


def _shared(messages: Sequence[Message], earlier: Sequence[Message], counter: TokenCounter) -> int:
    same: list[Message] = []
    for message, other in zip(messages, earlier, strict=False):
        if message.role != other.role:
            break
        common = _beginning(message.content, other.content)
        if common:
            same.append(Message(message.role, common))
        if message.content != other.content:
            break
    return counter.count_messages(same) if same else 0


def _beginning(text: str, other: str) -> str:
    """What both texts begin with."""
    pairs = enumerate(zip(text, other, strict=False))
    return text[: next((at for at, (one, two) in pairs if one != two), min(len(text), len(other)))]
