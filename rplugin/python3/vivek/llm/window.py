"""How large a context window to load a model with: one of a few buckets, the largest that fits in memory.

The window belongs to a server and its model and is one for all conversations, because a server loads the model anew
where it changes. This is arithmetic alone: the backends ask their servers what is loaded, and load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vivek.errors import ContextWindowExceededError
from vivek.llm.memory import Need, gigabytes, kv_bytes_per_token

BUCKETS = (4096, 8192, 16384, 32768)
"""Windows in tokens. The smallest holds a function of a hundred lines and its rewrite; beyond the largest a small
model has long lost the thread."""

UNKNOWN_MEMORY = 8192
"""Where nobody tells how much memory the server has, as none tells of a GPU's: the bucket in which every operation
fits."""


@dataclass(frozen=True)
class Shape:
    """What decides how much memory a model takes.

    weights: bytes. kv_per_token: bytes of keys and values, 0 where not known. trained: tokens of the window that it
    was made for, 0 where not known. slots: conversations that the server keeps ready, each with a window of its own.
    """

    weights: int
    kv_per_token: int
    trained: int = 0
    slots: int = 1

    @classmethod
    def of(cls, metadata: Mapping[str, Any], weights: int, slots: int = 1) -> Shape:
        """From GGUF metadata, as a file holds it and Ollama's ``model_info`` repeats it."""
        trained = metadata.get(f"{metadata.get('general.architecture')}.context_length")
        return cls(weights, kv_bytes_per_token(metadata), trained if isinstance(trained, int) else 0, slots)

    def need(self, window: int) -> Need:
        """Memory that it takes when loaded with this window."""
        return Need(self.weights, self.kv_per_token * window * self.slots)

    @property
    def buckets(self) -> tuple[int, ...]:
        """The windows that it can have, ascending; never none."""
        allowed = tuple(bucket for bucket in BUCKETS if not self.trained or bucket <= self.trained)
        return allowed or (self.trained,)


def largest(shape: Shape, free: int | None) -> int:
    """The largest window that fits; where none does the smallest, and loading will tell.

    free: bytes to spare (`memory.spare`), None where they are not known.
    """
    if free is None:
        return max(bucket for bucket in shape.buckets if bucket <= max(UNKNOWN_MEMORY, shape.buckets[0]))
    fitting = [bucket for bucket in shape.buckets if _fits(shape, bucket, free)]
    return max(fitting, default=shape.buckets[0])


def raised(shape: Shape, tokens: int, free: int | None) -> int:
    """The smallest window that holds so many tokens and fits.

    Raises ContextWindowExceededError, whose message is the reason alone, where there is none.
    """
    wide = [bucket for bucket in shape.buckets if bucket >= tokens]
    if not wide:
        most = shape.buckets[-1]
        why = "was made for no more" if shape.trained and shape.trained < BUCKETS[-1] else "is given no more"
        raise ContextWindowExceededError(f"It cannot be raised beyond {most} tokens: the model {why}.")
    if free is not None and not _fits(shape, wide[0], free):
        needs, has = gigabytes(shape.need(wide[0]).total), gigabytes(free)
        raise ContextWindowExceededError(
            f"It cannot be raised to {wide[0]} tokens: that needs {needs} of memory and some to spare, and {has} are"
            " available."
        )
    return wide[0]


def _fits(shape: Shape, window: int, free: int) -> bool:
    return shape.need(window).total <= free
