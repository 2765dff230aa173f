"""The model's doubt about a block: whom it asks, and that what a model likes of a place cancels out."""

from __future__ import annotations

import asyncio

import pytest

from vivek.llm.scripted import ScriptedModel
from vivek.review.doubt import FAULTY, RIGHT, doubt
from vivek.review.subject import Subject

SUBJECT = Subject("f", "def f():\n    return 1", "python")


def doubted(*likely: dict[str, float], capable: bool = True) -> tuple[float | None, ScriptedModel]:
    model = ScriptedModel(capabilities=["logprobs"] if capable else [])
    for each in likely:
        model.enqueue("A", likely=each)
    return asyncio.run(doubt(model, SUBJECT)), model


def test_a_server_that_tells_no_probabilities_is_not_asked() -> None:
    value, model = doubted({"A": -1.0}, {"A": -1.0}, capable=False)
    assert value is None
    assert model.prompts == []


def test_both_orders_are_asked_and_differ_in_the_last_words_alone() -> None:
    _, model = doubted({"OK": -0.1, "BUG": -3.0}, {"OK": -0.1, "BUG": -3.0})
    first, second = (messages[-1].content for messages in model.prompts)
    assert first.endswith(f"{RIGHT} or {FAULTY}.")
    assert second.endswith(f"{FAULTY} or {RIGHT}.")
    assert first[: -len(f"{RIGHT} or {FAULTY}.")] == second[: -len(f"{FAULTY} or {RIGHT}.")]
    assert SUBJECT.code in first
    assert all(sampling.max_tokens == 1 for sampling in model.samplings)


def test_a_model_that_likes_the_first_word_has_no_doubt_either_way() -> None:
    value, _ = doubted({"OK": -0.1, "BUG": -3.0}, {"OK": -3.0, "BUG": -0.1})
    assert value == pytest.approx(0.0)


def test_a_model_that_means_the_bug_doubts_whatever_the_place() -> None:
    value, _ = doubted({"OK": -2.1, "B": -0.1}, {" ok": -3.1, "Bug": -0.1})
    assert value == pytest.approx(2.5)


def test_an_answer_that_names_neither_leaves_nothing_known() -> None:
    value, _ = doubted({"OK": -0.1, "BUG": -3.0}, {"The": -0.1})
    assert value is None
