"""A conversation's memory: the last instructions and what became of them. Never old code.

It is parts for a prompt and data for the checkpoint; nothing here reads or writes the database.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from vivek.agent.state import HistoryEntry
from vivek.config import HistoryStrategy
from vivek.context.packer import Part

HISTORY_TOKENS = 200
"""Cap on the history in a prompt: enough for the last four or five instructions."""

KEPT = 20
"""Entries kept in a checkpoint; older ones never reach a prompt."""

VERBATIM = 2
"""Instructions that the strategy `summary` leaves in the user's own words."""

HISTORY, SUMMARY = "history", "summary"
"""Names of the parts."""

_INSTRUCTION_CHARACTERS = 200

_WORD = re.compile(r"\w{3,}")

_COMMON = frozenset(
    _WORD.findall(
        "add all and any are change code could does file fix for from function has have into its line lines make method"
        " new not now please remove should than that the them then there this use what when where which why with write"
        " you def return self class import none true false"
    )
)
"""What instructions and code are full of, and which therefore shows no kinship."""


def history_parts(
    history: Sequence[HistoryEntry],
    strategy: HistoryStrategy,
    count: Callable[[str], int],
    *,
    about: str = "",
    limit: int = HISTORY_TOKENS,
) -> list[Part]:
    """The history as parts of at most `limit` tokens in all, oldest first, one line an entry; [] for none.

    strategy: `recent` has the last entries that fit; `summary` the last VERBATIM, and how many came before with
    what outcome; `selective` those that share a word with `about` (the instruction and the code), the newest that
    fit.

    >>> past = [{"run": "1", "instruction": "add a docstring", "outcome": "applied"}]
    >>> [part.text for part in history_parts(past, "recent", len)]
    ['- add a docstring (applied)\\n']
    """
    older: Sequence[HistoryEntry] = ()
    if strategy == "selective":
        wanted = _words(about)
        history = [entry for entry in history if _words(entry["instruction"]) & wanted]
    elif strategy == "summary":
        older, history = history[:-VERBATIM], history[-VERBATIM:]
    folded = _folded(older)
    if folded and count(folded) > limit:
        folded = ""
    lines: list[str] = []
    for entry in reversed(history):
        line = f"- {_one_line(entry['instruction'])} ({entry['outcome']})\n"
        if count("".join([folded, line, *lines])) > limit:
            break
        lines.insert(0, line)
    parts = [Part(SUMMARY, folded, 0), Part(HISTORY, "".join(lines), 0, False, "tail")]
    return [part for part in parts if part.text]


def _folded(entries: Sequence[HistoryEntry]) -> str:
    """Entries in one line of counts, "" for none."""
    if not entries:
        return ""
    outcomes = Counter(_outcome(entry["outcome"]) for entry in entries)
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    return f"- {len(entries)} more before these: {told}\n"


def _outcome(outcome: str) -> str:
    return "applied in part" if outcome.startswith("applied ") else outcome


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - _COMMON


def remembered(history: Sequence[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    """The history with an entry added."""
    return [*history, entry][-KEPT:]


def with_outcome(history: Sequence[HistoryEntry], run: str, outcome: str) -> list[HistoryEntry]:
    """The history with what became of one run."""
    return [{**entry, "outcome": outcome} if entry["run"] == run else entry for entry in history]


def outcome_of(applied: int, rejected: int, pending: int) -> str:
    """What became of a proposal's hunks, in a word or two.

    >>> outcome_of(2, 0, 0), outcome_of(0, 1, 0), outcome_of(1, 2, 0), outcome_of(0, 0, 3)
    ('applied', 'rejected', 'applied 1 of 3 hunks', 'pending')
    """
    total = applied + rejected + pending
    if applied == 0 and rejected == 0:
        return "pending"
    if applied == total:
        return "applied"
    return "rejected" if rejected == total else f"applied {applied} of {total} hunks"


def _one_line(instruction: str) -> str:
    flat = " ".join(instruction.encode("utf-8", "replace").decode("utf-8").split())
    return flat if len(flat) <= _INSTRUCTION_CHARACTERS else flat[: _INSTRUCTION_CHARACTERS - 1] + "…"
