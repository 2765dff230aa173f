"""The shape of a chat model: what goes in, what streams out, what a call cost.

It holds no transport. Each backend (Ollama, the embedded llama.cpp, the scripted one) implements `ChatModel`; the
agent knows nothing else of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True)
class Sampling:
    """How to decode. max_tokens: the cap on generated tokens, always set so that no reply runs away."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelInfo:
    """What the running model says of itself.

    context_window: tokens that prompt and reply share, for one conversation. parameters: their number, None where
    the server does not tell. digest: sha256 (hex) of the weights, "" where unknown.
    """

    name: str
    backend: str
    digest: str
    context_window: int
    parameters: float | None = None


@dataclass(frozen=True)
class Loading:
    """The server is loading the weights."""


@dataclass(frozen=True)
class Reading:
    """Prefill: `done` of `total` prompt tokens are read."""

    done: int
    total: int


@dataclass(frozen=True)
class Text:
    """A piece of the reply, as it was decoded."""

    text: str


@dataclass(frozen=True)
class CallStats:
    """What one call cost. cached_tokens is None where the server does not tell; times in milliseconds."""

    prompt_tokens: int
    cached_tokens: int | None
    generated_tokens: int
    first_token_ms: float
    total_ms: float


@dataclass(frozen=True)
class Finished:
    """The end of a reply. `length` means that the cap on generated tokens cut it."""

    reason: Literal["stop", "length"]
    stats: CallStats


StreamEvent = Loading | Reading | Text | Finished


class TokenCounter(Protocol):
    """Counts tokens as the running model does."""

    exact: bool

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the whole prompt, the chat template's own included."""


class ChatModel(Protocol):
    """A model that answers chats. All coroutines run on the one model loop (`vivek.llm.loop`)."""

    async def info(self) -> ModelInfo:
        """What the model says of itself; starts the embedded server where it does not run yet.

        Raises ModelUnreachableError, ModelNotFoundError, ModelAPIError.
        """

    async def counter(self) -> TokenCounter:
        """The model's own token counter."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[StreamEvent]:
        """Answer. Yields Loading and Reading where the server tells, Text pieces, and Finished last.

        Cancelling the task closes the connection. Raises ModelAPIError and its kin.
        """

    async def aclose(self) -> None:
        """Close the connections; the server, where it is shared, stays."""
