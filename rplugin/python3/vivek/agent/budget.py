"""How the context window is shared between a prompt and its reply.

It counts and divides; it writes no prompt. `planner` raises the window where even the smallest prompt is too large.
"""

from __future__ import annotations

from collections.abc import Sequence

from vivek.agent.state import Room, Route
from vivek.llm.base import Message, TokenCounter

APPROXIMATE_MARGIN = 0.1
"""Share of the window kept free where the counter is only approximate."""


def room_for(route: Route, block_tokens: int, window: int, *, exact: bool) -> Room:
    """The room of a reply about a block of so many tokens.

    A rewrite repeats its block and adds to it: docstrings and type hints in a small one may double it, in a large one
    they add a third. So `least` is half as much again and 512; with less a rewrite that does what was asked might be
    cut, and the ask is refused instead. Beyond `wanted`, surroundings get what is left of the window; beyond `most` no
    honest reply goes.
    """
    usable = usable_of(window, exact=exact)
    if route == "rewrite":
        least, wanted, most = 512 + block_tokens * 3 // 2, 512 + 2 * block_tokens, 1024 + 4 * block_tokens
    elif route in ("insert", "tests"):
        least, wanted, most = 1024, 1536, 4096
    else:
        least, wanted, most = 512, 768, 1536
    return {"window": window, "usable": usable, "least": least, "wanted": wanted, "most": most}


def usable_of(window: int, *, exact: bool) -> int:
    """Tokens of the window that prompt and reply may take by our count."""
    return window if exact else int(window * (1 - APPROXIMATE_MARGIN))


def window_for(usable: int, *, exact: bool) -> int:
    """The smallest window of which so many tokens are usable."""
    return usable if exact else int(usable / (1 - APPROXIMATE_MARGIN)) + 1


def reply_cap(room: Room, prompt_tokens: int) -> int:
    """The cap on generated tokens: what is left of the window, and no more than an honest reply may take."""
    return min(room["usable"] - prompt_tokens, room["most"])


def leaves_room(room: Room, messages: Sequence[Message], counter: TokenCounter) -> bool:
    """Whether a prompt leaves the reply the least that it needs."""
    return counter.count_messages(messages) + room["least"] <= room["usable"]
