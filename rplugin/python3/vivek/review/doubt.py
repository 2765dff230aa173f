"""How much the model doubts a block: a number from its token probabilities, not a verdict in its words.

A small model's one-word verdict is mere bias of the wording: asked for OK or BUG it never says BUG, and yet the
probability of BUG ranks blocks better than chance. It is asked twice, the words changing places, so that what it likes
of a place cancels out. Each question costs its own last words and one token: the block is read once.
"""

from __future__ import annotations

from vivek.llm.base import ChatModel
from vivek.llm.odds import log_odds
from vivek.prompts import render
from vivek.review.subject import Subject

FAULTY = "BUG"
RIGHT = "OK"


async def doubt(model: ChatModel, subject: Subject) -> float | None:
    """The log-odds of a bug over none, the mean of all questions; None where the server tells no probabilities.

    Raises VivekError (ModelAPIError and its kin, ContextWindowExceededError) where a call fails.
    """
    if "logprobs" not in (await model.info()).capabilities:
        return None
    told = [
        await log_odds(model, subject.messages(render("doubt", first=first, second=second)), FAULTY, RIGHT)
        for first, second in ((RIGHT, FAULTY), (FAULTY, RIGHT))
    ]
    known = [odds for odds in told if odds is not None]
    return sum(known) / len(known) if len(known) == len(told) else None
