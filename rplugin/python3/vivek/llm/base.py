"""The shape of a chat model: what goes in, what streams out, what a call cost.

It holds no transport. Each backend (Ollama, the embedded llama.cpp, an OpenAI-compatible server, the scripted one)
implements `ChatModel`; the agent knows nothing else of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]

Capability = Literal["schema", "cached_tokens", "logprobs", "prefill"]
"""What not every server can do: bind a reply to a JSON schema; tell how much of a prompt came from its cache; tell how
likely each token was; go on with a reply that the last message, of the assistant, begins."""


MOST_LIKELY = 20
"""OpenAI's limit, and so vLLM's and Ollama's, on how many likely tokens are told for a place."""


@dataclass(frozen=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True)
class Sampling:
    """How to decode. max_tokens: the cap on generated tokens, always set so that no reply runs away.

    repeat_penalty: 1.0 is none, which is right where code must be copied. schema: a JSON schema that the reply is bound
    to, where the server has that capability; None for free text. likely: how many of the likeliest tokens are told for
    each place of the reply, at most MOST_LIKELY, where the server has the capability "logprobs"; 0 for none.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 1
    stop: tuple[str, ...] = ()
    repeat_penalty: float = 1.0
    schema: Mapping[str, Any] | None = None
    likely: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """What the running model says of itself.

    context_window: tokens that prompt and reply share, for one conversation. parameters: their number, None where
    the server does not tell. digest: sha256 (hex) of the weights, "" where unknown. family: the architecture, e.g.
    ``"qwen2"``; quantization: e.g. ``"Q4_K_M"``; both "" where the server does not tell.
    """

    name: str
    backend: str
    digest: str
    context_window: int
    parameters: float | None = None
    family: str = ""
    quantization: str = ""
    capabilities: frozenset[Capability] = frozenset()


@dataclass(frozen=True)
class Queued:
    """All of the server's slots are at work. ahead: calls that come before this one."""

    ahead: int


@dataclass(frozen=True)
class Retrying:
    """The call failed in a way that may pass, and is made again in so many seconds; what it wrote is void.

    reason: the failure, one sentence. attempt: the number of the coming try, from 2.
    """

    reason: str
    attempt: int
    seconds: float


@dataclass(frozen=True)
class Loading:
    """The server is loading the weights."""


@dataclass(frozen=True)
class Reading:
    """Prefill: `done` of `total` prompt tokens are read. seconds_left: an estimate, None where there is none yet."""

    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class Token:
    """One token of a reply. likely: the likeliest tokens for its place, each with its log-probability (natural)."""

    text: str
    logprob: float
    likely: Mapping[str, float]


@dataclass(frozen=True)
class Text:
    """A piece of the reply, as it was decoded.

    tokens: those it is made of, where they were asked for (`Sampling.likely`) and the server tells.
    """

    text: str
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True)
class CallStats:
    """What one call cost. cached_tokens is None and prompt_tokens 0 where the server does not tell; times in
    milliseconds."""

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


StreamEvent = Queued | Retrying | Loading | Reading | Text | Finished


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

    async def warnings(self) -> Sequence[str]:
        """What the user should know before it bites, a sentence each with the command that mends it.

        Raises as `info`.
        """

    async def widen(self, tokens: int) -> ModelInfo:
        """Load the model anew with a context window that holds so many tokens; it stays so for all conversations.

        Gives what the model says of itself then, at once where its window is large enough already. Raises
        ContextWindowExceededError, whose message is the reason, where that cannot be; and as `info`.
        """

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[StreamEvent]:
        """Answer. Yields Queued, Loading and Reading where the server tells, Text pieces, and Finished last.

        Cancelling the task closes the connection. Raises ModelAPIError and its kin.
        """

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers its health page on a connection of its own within that time.

        It must not wait for the model: a server that loads or reads answers too. Raises ModelAPIError.
        """

    async def aclose(self) -> None:
        """Close the connections; the server, where it is shared, stays."""
