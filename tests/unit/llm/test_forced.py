"""How likely a model finds a text that it did not write."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copyist import UNLIKELY, Copyist
from vivek.llm.base import Message, Sampling, StreamEvent, Text, Token
from vivek.llm.forced import STRETCH, Place, forced

ASK = [Message("user", "Copy it.")]


def places(model: Copyist, text: str, span: tuple[int, int] | None = None) -> list[Place]:
    async def all_of_them() -> list[Place]:
        return [place async for place in forced(model, ASK, model.opening, text, span)]

    return asyncio.run(all_of_them())


def test_a_text_that_the_model_would_write_itself_surprises_it_nowhere() -> None:
    model = Copyist("if low <= high:")
    found = places(model, "if low <= high:")
    assert "".join(place.text for place in found) == "if low <= high:"
    assert all(place.nats < 0.1 and not place.rather for place in found)
    assert len(model.begun) == math.ceil(len(found) / STRETCH), "so many tokens are measured in one call"


def test_a_place_where_it_would_write_something_else_is_told_with_what() -> None:
    model = Copyist("return a < b", unsure={9: {"<": math.log(0.6), ">": math.log(0.3)}})
    [other] = [place for place in places(model, "return a > b") if place.rather]
    assert (other.at, other.text, other.rather) == (9, ">", "<")
    assert other.nats == pytest.approx(-math.log(0.3))


def test_what_is_not_among_the_likely_tokens_counts_as_the_least_of_them() -> None:
    [other] = [place for place in places(Copyist("x = 1"), "x = 7") if place.rather]
    assert (other.text, other.nats) == ("7", pytest.approx(-UNLIKELY))


def test_a_token_that_is_the_beginning_of_another_one_is_not_taken_for_it() -> None:
    unsure = {0: {"<": math.log(0.6), "<=": math.log(0.3)}}
    first, *others = places(Copyist("< bc", unsure=unsure), "<= bc")
    assert (first.text, first.nats, first.rather) == ("<=", pytest.approx(-math.log(0.3)), "<")
    assert "".join(place.text for place in others) == " bc"


def test_the_last_tab_of_an_indentation_may_belong_to_the_word() -> None:
    class Tabs(Copyist):
        """Is sure of the word with its tab, and not of the word alone."""

        async def stream(
            self, messages: Sequence[Message], sampling: Sampling
        ) -> AsyncGenerator[StreamEvent]:
            begun = messages[-1].content.removeprefix(self.opening)
            told = {
                "": {"\t\t": -0.5, "\t": -1.0},
                "\t": {"\tseen": -0.1},
                "\t\t": {"\t": -0.1, "seen": -7.0},
            }
            likely = told.get(begun, {"!": -0.1})
            first = max(likely, key=lambda each: likely[each])
            yield Text(first, (Token(first, likely[first], likely),))

    found = places(Tabs("", opening=""), "\t\tseen")
    assert [(place.text, round(place.nats, 1), place.rather) for place in found] == [
        ("\t", 1.0, ""),
        ("\tseen", 0.1, ""),
    ]


def test_a_word_may_be_written_in_several_tokens() -> None:
    unsure = {0: {"(": math.log(0.9), "(prices": math.log(0.001)}}
    first, second = places(Copyist("(prices", unsure=unsure), "(prices")
    assert (first.text, first.rather, second.text) == ("(", "", "prices")


def test_a_server_that_tells_nothing_ends_it() -> None:
    assert places(Copyist("abc", unsure={0: {}}), "abc") == []


def test_only_the_span_is_measured() -> None:
    model = Copyist("one two three")
    assert "".join(place.text for place in places(model, "one two three", (4, 7))) == "two"
    assert model.begun[0] == "one "


def test_a_token_that_nothing_is_told_of_is_asked_about_anew() -> None:
    model = Copyist("a b", unsure={1: {}})
    with pytest.raises(StopAsyncIteration):
        asyncio.run(anext(aiter(forced(model, ASK, model.opening, "a b", (1, 3)))))
    assert [place.text for place in places(model, "a b")] == ["a"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_every_character_is_measured_once_whatever_the_model_would_write(text: str, own: str) -> None:
    found = places(Copyist(own + "." * 40), text)
    assert "".join(place.text for place in found) == text
    assert [place.at for place in found] == [sum(len(p.text) for p in found[:n]) for n in range(len(found))]
    assert all(place.nats >= 0 for place in found)
