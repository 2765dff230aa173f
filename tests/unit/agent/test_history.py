"""A conversation's memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.history import (
    HISTORY_TOKENS,
    KEPT,
    history_parts,
    outcome_of,
    remembered,
    with_outcome,
)
from vivek.agent.state import HistoryEntry
from vivek.config import HISTORY_STRATEGIES, HistoryStrategy


def entry(number: int, instruction: str = "do it", outcome: str = "pending") -> HistoryEntry:
    return {"run": str(number), "instruction": instruction, "outcome": outcome}


def words(text: str) -> int:
    return len(text.split())


def text_of(history: list[HistoryEntry], strategy: HistoryStrategy, **options: Any) -> str:
    return "".join(part.text for part in history_parts(history, strategy, words, **options))


PAST = [
    entry(1, "parse dates in read_log", "applied"),
    entry(2, "rename the counter", "rejected"),
    entry(3, "explain read_log", "answered"),
    entry(4, "make area faster", "applied"),
    entry(5, "add a docstring", "applied 1 of 3 hunks"),
]


def test_the_latest_instructions_come_last_with_what_became_of_them() -> None:
    history = [entry(1, "add a docstring", "applied"), entry(2, "make it async", "rejected")]
    assert text_of(history, "recent") == "- add a docstring (applied)\n- make it async (rejected)\n"


def test_recent_drops_the_oldest_that_do_not_fit() -> None:
    assert text_of(PAST, "recent", limit=14).splitlines() == [
        "- make area faster (applied)",
        "- add a docstring (applied 1 of 3 hunks)",
    ]


def test_recent_only_grows_at_its_end_while_it_fits() -> None:
    assert text_of(PAST, "recent").startswith(text_of(PAST[:3], "recent"))


def test_a_summary_folds_all_but_the_last_two_into_one_line() -> None:
    assert text_of(PAST, "summary").splitlines() == [
        "- 3 more before these: 1 applied, 1 rejected, 1 answered",
        "- make area faster (applied)",
        "- add a docstring (applied 1 of 3 hunks)",
    ]


def test_a_summary_of_two_is_the_two() -> None:
    assert text_of(PAST[:2], "summary") == text_of(PAST[:2], "recent")


def test_a_part_of_a_proposal_that_was_applied_is_counted_as_such() -> None:
    history = [entry(1, outcome="applied 1 of 3 hunks"), entry(2, outcome="applied 2 of 9 hunks"), *PAST[:2]]
    assert text_of(history, "summary").startswith("- 2 more before these: 2 applied in part\n")


def test_selective_takes_those_that_share_a_name_with_the_instruction_or_the_code() -> None:
    about = "tidy up\ndef read_log(path):\n    pass\n"
    assert text_of(PAST, "selective", about=about).splitlines() == [
        "- parse dates in read_log (applied)",
        "- explain read_log (answered)",
    ]


def test_selective_takes_the_newest_where_not_all_fit() -> None:
    assert text_of(PAST, "selective", about="read_log", limit=5) == "- explain read_log (answered)\n"


def test_words_that_every_instruction_has_are_no_kinship() -> None:
    assert text_of(PAST, "selective", about="make the function return a new one") == ""


@pytest.mark.parametrize("strategy", HISTORY_STRATEGIES)
def test_without_a_history_there_is_no_part(strategy: HistoryStrategy) -> None:
    assert history_parts([], strategy, words, about="add") == []


@given(
    st.lists(st.text(max_size=300), max_size=30),
    st.sampled_from(HISTORY_STRATEGIES),
    st.integers(0, HISTORY_TOKENS),
    st.text(max_size=200),
)
def test_the_history_never_exceeds_its_tokens(
    instructions: list[str], strategy: HistoryStrategy, limit: int, about: str
) -> None:
    def count(text: str) -> int:
        return len(text.split(" ")) if text else 0

    history = [entry(number, text) for number, text in enumerate(instructions)]
    parts = history_parts(history, strategy, count, about=about, limit=limit)
    assert count("".join(part.text for part in parts)) <= limit


@given(st.text(min_size=1))
def test_an_instruction_takes_one_line(instruction: str) -> None:
    assert len(text_of([entry(1, instruction)], "recent", limit=10**6).split("\n")) == 2


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
