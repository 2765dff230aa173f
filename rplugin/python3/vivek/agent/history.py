"""A conversation's memory: the last instructions and what became of them. Never old code.

It is text for a prompt and data for the checkpoint; nothing here reads or writes the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vivek.agent.state import HistoryEntry

HISTORY_TOKENS = 200
"""Cap on the history in a prompt: enough for the last four or five instructions."""

KEPT = 20
"""Entries kept in a checkpoint; older ones never reach a prompt."""

_INSTRUCTION_CHARACTERS = 200


def history_text(history: Sequence[HistoryEntry], count: Callable[[str], int]) -> str:
    """The latest entries that fit in HISTORY_TOKENS, oldest first, one a line; "" where there are none.

    >>> history_text([{"run": "1", "instruction": "add a docstring", "outcome": "applied"}], len)
    '- add a docstring (applied)\\n'
    """
    lines: list[str] = []
    for entry in reversed(history):
        line = f"- {_one_line(entry['instruction'])} ({entry['outcome']})\n"
        if count("".join([line, *lines])) > HISTORY_TOKENS:
            break
        lines.insert(0, line)
    return "".join(lines)


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
