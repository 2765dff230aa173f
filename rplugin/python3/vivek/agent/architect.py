"""Which blocks a plan is about: those of the file that its words name, with their lines. No model is asked."""

from __future__ import annotations

from vivek.agent.mode import mode_of
from vivek.agent.target import mentions
from vivek.context.blocks import blocks
from vivek.request import AskRequest

MOST = 8


def concerned(plan: str, request: AskRequest) -> str:
    """What is added to an architect's plan: the blocks that it names; "" in other modes, or for none."""
    if mode_of(request) != "architect":
        return ""
    found = [
        f"`{block.name}` (lines {block.first} to {block.last})"
        for block in blocks(request.text, request.filetype)
        if block.name and mentions(plan, block.name)
    ]
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"\n\nBlocks that this concerns: {', '.join(found[:MOST])}{more}." if found else ""
