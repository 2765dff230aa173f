"""A conversation's memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.history import HISTORY_TOKENS, KEPT, history_text, outcome_of, remembered, with_outcome
from vivek.agent.state import HistoryEntry


def entry(number: int, instruction: str = "do it", outcome: str = "pending") -> HistoryEntry:
    return {"run": str(number), "instruction": instruction, "outcome": outcome}


def test_the_latest_instructions_come_last_with_what_became_of_them() -> None:
    history = [entry(1, "add a docstring", "applied"), entry(2, "make it async", "rejected")]
    assert history_text(history, len) == "- add a docstring (applied)\n- make it async (rejected)\n"


@given(st.lists(st.text(max_size=300), max_size=30))
def test_the_history_never_exceeds_its_tokens(instructions: list[str]) -> None:
    def count(text: str) -> int:
        return len(text.split(" ")) if text else 0

    text = history_text([entry(number, text) for number, text in enumerate(instructions)], count)
    assert count(text) <= HISTORY_TOKENS


@given(st.text(min_size=1))
def test_an_instruction_takes_one_line(instruction: str) -> None:
    assert len(history_text([entry(1, instruction)], lambda _text: 1).split("\n")) == 2


def test_old_entries_are_forgotten() -> None:
    history: list[HistoryEntry] = []
    for number in range(KEPT + 5):
        history = remembered(history, entry(number))
    assert len(history) == KEPT
    assert history[-1]["run"] == str(KEPT + 4)


def test_an_outcome_is_noted_for_its_run_alone() -> None:
    history = with_outcome([entry(1), entry(2)], "1", "applied")
    assert [item["outcome"] for item in history] == ["applied", "pending"]


def test_outcomes_are_told_in_words() -> None:
    assert outcome_of(0, 0, 2) == "pending"
    assert outcome_of(2, 0, 0) == "applied"
    assert outcome_of(0, 2, 0) == "rejected"
    assert outcome_of(1, 1, 1) == "applied 1 of 3 hunks"
