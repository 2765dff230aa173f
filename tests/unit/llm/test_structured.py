"""An answer from whatever a model writes: found, mended, asked for again, or the caller's own."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from vivek.errors import ModelAPIError, ModelOutputInvalidError
from vivek.llm.base import Message, Sampling, StreamEvent, Text
from vivek.llm.scripted import ScriptedModel
from vivek.llm.structured import Answer, Question, ask_structured, read, schema_of


class Fruit(BaseModel):
    """For readers of the source alone."""

    kind: Literal["apple", "pear"]
    note: str = ""


MESSAGES = [Message("system", "s"), Message("user", "which fruit?")]
NONE = Fruit(kind="pear", note="nobody knows")


def ask(model: ScriptedModel, *, bound: bool = False) -> Answer[Fruit]:
    question = Question(
        Fruit, NONE, lambda problem: f"Wrong: {problem}", Sampling(max_tokens=30, seed=3), 0.6
    )
    return asyncio.run(ask_structured(model, MESSAGES, question, bound=bound))


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ('{"kind": "apple"}', "whole"),
        (' {"kind": "apple", "note": "a {brace}", "more": 1}\n', "whole"),
        ('```json\n{"kind": "apple"}\n```', "extracted"),
        ('Sure! It is this:\n```\n{"kind": "apple"}\n```\nEnjoy.', "extracted"),
        ('It is {"kind": "apple"} I think.', "extracted"),
        ('Not {"kind": "plum"} but {"kind": "apple"}.', "extracted"),
        ('if {x} then {"kind": "apple"}', "extracted"),
        ("{'kind': 'apple'}", "repaired"),
        ('{"kind": "apple", "note": "cut o', "repaired"),
        ('Here: {"kind": "apple",}', "repaired"),
        ('```json\n{kind: "apple"}', "repaired"),
        ('{"kind": "apple" // a comment\n}', "repaired"),
        ('<think>{"kind": "pear"}</think>{"kind": "apple"}', "whole"),
    ],
)
def test_an_answer_is_found_in_what_surrounds_it(text: str, step: str) -> None:
    value, found_by, problem = read(text, Fruit)
    assert value is not None
    assert (value.kind, found_by, problem) == ("apple", step, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object"),
        ("apple, of course", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"kind": "plum"}', "`kind`: Input should be 'apple' or 'pear'."),
        ("{}", "`kind`: Field required."),
        ('I say {"kind": "plum"} and {then} some [1]', "`kind`: Input should be 'apple' or 'pear'."),
        ('<think>{"kind": "apple"}</think>', "no JSON object"),
        ('<think>I never end: {"kind": "apple"}', "no JSON object"),
        ("{" * 5000, ""),
    ],
)
def test_what_is_no_answer_is_told_in_words(text: str, problem: str) -> None:
    value, step, told = read(text, Fruit)
    assert value is None
    assert step == "fallback"
    assert problem in told


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    value, _, problem = read(text, Fruit)
    assert (value is None) == bool(problem)


@given(
    kind=st.sampled_from(["apple", "pear"]),
    note=st.text(max_size=40),
    before=st.text("ab \n.", max_size=20),
    after=st.text("ab \n.", max_size=20),
)
def test_json_in_prose_is_read_as_it_was_written(kind: str, note: str, before: str, after: str) -> None:
    value, _, _ = read(before + json.dumps({"kind": kind, "note": note}) + after, Fruit)
    assert value == Fruit(kind=kind, note=note)


def test_one_call_is_enough_for_a_valid_reply() -> None:
    model = ScriptedModel('{"kind": "apple"}')
    answer = ask(model)
    assert (answer.value.kind, answer.step) == ("apple", "whole")
    [reply] = answer.replies
    assert (reply.text, reply.problem) == ('{"kind": "apple"}', "")
    assert reply.stats.generated_tokens > 0
    assert model.prompts == [MESSAGES]


def test_the_schema_is_sent_only_to_a_server_that_can_use_it() -> None:
    bound, free = ScriptedModel('{"kind": "apple"}'), ScriptedModel('{"kind": "apple"}')
    ask(bound, bound=True)
    ask(free)
    assert bound.samplings[0].schema == schema_of(Fruit)
    assert free.samplings[0].schema is None
    assert {sampling.max_tokens for model in (bound, free) for sampling in model.samplings} == {30}


def test_the_schema_holds_enums_and_nothing_else_is_allowed() -> None:
    assert schema_of(Fruit) == {
        "type": "object",
        "properties": {
            "kind": {"enum": ["apple", "pear"], "type": "string"},
            "note": {"default": "", "type": "string"},
        },
        "required": ["kind"],
        "additionalProperties": False,
    }


def test_a_reply_that_is_no_answer_is_asked_for_again_with_the_fault() -> None:
    model = ScriptedModel("a plum", '{"kind": "apple"}')
    answer = ask(model)
    assert (answer.value.kind, answer.step) == ("apple", "asked again")
    assert [reply.text for reply in answer.replies] == ["a plum", '{"kind": "apple"}']
    assert "no JSON object" in answer.replies[0].problem
    assert model.prompts[1][:2] == MESSAGES
    assert [message.role for message in model.prompts[1][2:]] == ["assistant", "user"]
    assert "Wrong: There is no JSON object" in model.prompts[1][-1].content
    assert [sampling.temperature for sampling in model.samplings] == [0.0, 0.6]
    assert model.samplings[0].seed != model.samplings[1].seed


def test_a_reply_that_the_cap_cut_is_told_so() -> None:
    model = ScriptedModel("word " * 50, '{"kind": "apple"}')
    assert ask(model).step == "asked again"
    assert "cut off after 30 tokens" in model.prompts[1][-1].content


def test_two_replies_that_are_no_answer_leave_the_callers_own_and_are_kept() -> None:
    answer = ask(ScriptedModel("a plum", "a cherry"))
    assert (answer.value, answer.step) == (NONE, "fallback")
    assert [reply.text for reply in answer.replies] == ["a plum", "a cherry"]


def test_a_first_call_that_fails_is_the_callers_affair() -> None:
    model = ScriptedModel()
    model.enqueue("", error=ModelAPIError("The server failed."))
    with pytest.raises(ModelAPIError, match="The server failed"):
        ask(model)


def test_a_second_call_that_fails_keeps_the_first_reply() -> None:
    model = ScriptedModel("a plum")
    model.enqueue("half a", error=ModelAPIError("The server failed."))
    answer = ask(model)
    assert (answer.value, answer.step) == (NONE, "fallback")
    assert [reply.text for reply in answer.replies] == ["a plum", "half a"]
    assert answer.replies[1].problem == "The server failed."


def test_every_event_of_the_calls_is_heard() -> None:
    heard: list[StreamEvent] = []
    question = Question(Fruit, NONE, str, Sampling(max_tokens=30))
    model = ScriptedModel('{"kind": "apple"}')
    asyncio.run(ask_structured(model, MESSAGES, question, bound=False, hear=heard.append))
    assert "".join(event.text for event in heard if isinstance(event, Text)) == '{"kind": "apple"}'


def test_a_stream_without_an_end_is_an_error() -> None:
    class Endless(ScriptedModel):
        async def stream(self, messages, sampling):  # type: ignore[no-untyped-def]
            yield Text("{")

    with pytest.raises(ModelOutputInvalidError, match="did not end"):
        ask(Endless())
