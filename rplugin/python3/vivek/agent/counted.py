"""Compares the server's own count of a prompt with ours, after the call: the last guard against a silent cut."""

from __future__ import annotations

import logging

from langgraph.runtime import Runtime

from vivek.agent import emit
from vivek.agent.state import Ports

TOLERATED_SHARE = 0.9
"""A server that reads less than this of what was counted exactly has cut the prompt: templates differ by a few
tokens, and a cut takes whole messages or half a window."""

TOLERATED_SHARE_APPROXIMATE = 0.35
"""Of an approximate count, which errs on the large side: text with much indentation has 6 bytes a token and more,
where 2.5 are assumed."""

_log = logging.getLogger(__name__)


def compare(runtime: Runtime[Ports], counted: int, read: int) -> None:
    """Log any difference from an exact count; tell the user where clearly less was read than sent.

    counted: tokens of the prompt by our counter. read: tokens of it that the server says it read, cached ones included;
    0 from a server that does not tell.
    """
    if not read:
        return
    ports = runtime.context
    exact = ports.counter.exact
    if exact and read != counted:
        _log.warning("%s read %d tokens where %d were counted.", ports.info.name, read, counted)
    if read < counted * (TOLERATED_SHARE if exact else TOLERATED_SHARE_APPROXIMATE):
        emit.notice(runtime, cut_notice(ports.info.name, counted, read, exact=exact))


def cut_notice(name: str, counted: int, read: int, *, exact: bool) -> str:
    """What to tell of a prompt that was cut, and what to do.

    >>> cut_notice("m", 3900, 2030, exact=True)[:58]
    'm read 2030 of the 3900 tokens that it was sent: its serve'
    """
    sent = counted if exact else f"about {counted}"
    return (
        f"{name} read {read} of the {sent} tokens that it was sent: its server has cut the prompt, so the reply"
        " may miss the point. Update the server, start it with a larger context window, or select fewer lines."
    )
