"""The raw reply of every model call reaches the listener, whole, however the call ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.runtime import Runtime
from test_ask import BROKEN, GOOD, LOOP, TEXT, Asker, stop_when_heard
from test_opinions import CHANGE, JUDGES, OPEN, PLANS, RIGHT

from vivek.agent.replies import Replies
from vivek.agent.state import Event, Ports
from vivek.cancel import CancelToken
from vivek.errors import ModelAPIError, ModelOutputInvalidError
from vivek.llm.base import CallStats, Finished, ModelInfo, Queued, Retrying, StreamEvent, Text
from vivek.llm.loop import ModelLoop
from vivek.llm.scripted import ScriptedCounter, ScriptedModel
from vivek.request import AskRequest


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Asker] = []

    def build(*replies: str, profile: Any = None, **options: Any) -> Asker:
        made.append(Asker(ScriptedModel(*replies, **options)))
        made[-1].profile = profile or made[-1].profile
        return made[-1]

    yield build
    for asker in made:
        asker.loop.close()


def replies(asker: Asker) -> list[Event]:
    return [event for event in asker.events if event["kind"] == "reply"]


def texts(asker: Asker) -> list[str]:
    return [event["text"] for event in replies(asker)]


def written(asker: Asker) -> str:
    return "".join(event["text"] for event in asker.events if event["kind"] == "text")


# What each node is told to have got


def test_the_executors_reply_comes_whole_when_it_has_ended(make: Any) -> None:
    asker = make(GOOD, name="tiny")
    asker()
    [told] = replies(asker)
    assert told == {
        "kind": "reply",
        "run": "1",
        "node": "executor",
        "attempt": 1,
        "text": GOOD,
        "model": "tiny",
    }
    kinds = [event["kind"] for event in asker.events]
    assert "text" not in kinds[kinds.index("reply") :]


def test_each_attempt_has_its_own_reply(make: Any) -> None:
    asker = make(BROKEN, GOOD)
    asker()
    assert [(told["attempt"], told["text"]) for told in replies(asker)] == [(1, BROKEN), (2, GOOD)]


def test_an_answer_in_words_keeps_its_thoughts_and_blanks(make: Any) -> None:
    raw = "<think>Hm.</think>\n\n  It squares the radius.  \n"
    asker = make(raw)
    asker("explain this")
    assert texts(asker) == [raw]


def test_an_empty_reply_is_a_reply(make: Any) -> None:
    asker = make("", repeat_last=True)
    with pytest.raises(ModelOutputInvalidError):
        asker("explain this")
    assert texts(asker)[0] == ""


def test_the_planners_and_the_reviewers_answers_are_replies(make: Any) -> None:
    asker = make("Let me see.", CHANGE, GOOD, profile=PLANS)
    asker(OPEN)
    assert [(told["node"], told["attempt"], told["text"]) for told in replies(asker)] == [
        ("planner", 1, "Let me see."),
        ("planner", 1, CHANGE),
        ("executor", 1, GOOD),
    ]


def test_a_verdict_names_the_attempt_that_it_is_about(make: Any) -> None:
    asker = make(BROKEN, GOOD, "Looks fine.", RIGHT, profile=JUDGES)
    asker()
    assert [(told["node"], told["attempt"], told["text"]) for told in replies(asker)] == [
        ("executor", 1, BROKEN),
        ("executor", 2, GOOD),
        ("reviewer", 2, "Looks fine."),
        ("reviewer", 2, RIGHT),
    ]


# Calls that come to another end


def test_a_reply_that_was_cut_off_as_garbage_is_told_as_far_as_it_came(make: Any) -> None:
    asker = make(LOOP, GOOD)
    asker()
    first, second = texts(asker)
    assert LOOP.startswith(first)
    assert first + second == written(asker)
    assert second == GOOD


def test_a_reply_that_failed_halfway_is_told_before_the_run_fails(make: Any) -> None:
    asker = make()
    asker.model.enqueue(GOOD, error=ModelAPIError("The server failed."), after=20)
    with pytest.raises(ModelAPIError):
        asker()
    assert texts(asker) == [GOOD[:20]] == [written(asker)]


def test_a_call_that_failed_before_its_first_word_has_no_reply(make: Any) -> None:
    asker = make()
    asker.model.enqueue(ModelAPIError("The server failed."))
    with pytest.raises(ModelAPIError):
        asker()
    assert replies(asker) == []


def test_a_reply_that_was_stopped_is_what_the_result_calls_partial(make: Any) -> None:
    asker = make()
    asker.model.enqueue(GOOD, hang=True)
    stopper = stop_when_heard(asker)
    result = asker()
    stopper.join()
    assert result["partial"]
    assert texts(asker) == [result["partial"]] == [written(asker)]


def test_a_question_that_failed_halfway_is_told_too(make: Any) -> None:
    asker = make(profile=PLANS)
    asker.model.enqueue('{"kind"', error=ModelAPIError("The server stumbled."))
    asker.model.enqueue(GOOD)
    asker(OPEN)
    assert texts(asker) == ['{"kind"', GOOD]


def test_a_second_question_that_failed_halfway_is_told_beside_the_first(make: Any) -> None:
    asker = make("Let me see.", profile=PLANS)
    asker.model.enqueue('{"kind"', error=ModelAPIError("The server stumbled."))
    asker.model.enqueue(GOOD)
    asker(OPEN)
    assert texts(asker) == ["Let me see.", '{"kind"', GOOD]


# The executor's lines


@pytest.mark.parametrize(
    ("reply", "instruction", "values", "route"),
    [
        (GOOD, "fix it", {}, "rewrite"),
        ("It squares the radius.", "explain this", {}, "answer"),
        ("```python\ndef top(r):\n    return r\n```", "write a function top", {"cursor": 1}, "insert"),
    ],
)
def test_the_executors_beginning_says_which_lines_it_is_about(
    make: Any, reply: str, instruction: str, values: dict[str, int], route: str
) -> None:
    asker = make(reply)
    result = asker(instruction, text=TEXT, **values)
    [began] = [event for event in asker.events if event["kind"] == "node" and event["node"] == "executor"]
    assert (began["route"], began["target"]) == (route, result["target"])
    assert (result["route"], set(began["target"])) == (route, {"first", "last"})


def test_the_lines_are_those_of_the_definition_under_the_cursor(make: Any) -> None:
    asker = make("```python\ndef side(r):\n    return 9 * r\n```\n")
    asker("make it 9", cursor=6)
    [began] = [event for event in asker.events if event["kind"] == "node" and event["node"] == "executor"]
    assert began["target"] == {"first": 5, "last": 6}


# Any order of events

FINISHED = Finished("stop", CallStats(0, None, 0, 0.0, 0.0))
RETRYING = Retrying("It is busy.", 2, 1.0)

stream_events = st.lists(
    st.one_of(
        st.text(st.characters(), min_size=1).map(Text), st.sampled_from([FINISHED, RETRYING, Queued(1)])
    )
)


def runtime(events: list[Event]) -> Runtime[Ports]:
    model = ScriptedModel()
    ports = Ports(
        AskRequest(run="1", instruction="x", text=""),
        model,
        ModelInfo("m", "scripted", "", 100),
        ScriptedCounter(),
        ModelLoop(),
        CancelToken(),
        lambda _text, _first, _last: [],
    )
    return Runtime(context=ports, stream_writer=events.append)


@given(stream_events)
def test_every_piece_of_text_is_in_one_reply_and_in_order(given_events: list[StreamEvent]) -> None:
    told: list[Event] = []
    passed: list[StreamEvent] = []
    with Replies(runtime(told), "executor", 1, passed.append) as heard:
        for event in given_events:
            heard.hear(event)
    assert passed == given_events
    pieces = [event.text for event in given_events if isinstance(event, Text)]
    assert "".join(event["text"] for event in told) == "".join(pieces)
    assert len(told) >= given_events.count(FINISHED)


@given(stream_events, stream_events)
def test_nothing_is_told_or_passed_on_after_the_end(
    before: list[StreamEvent], after: list[StreamEvent]
) -> None:
    told: list[Event] = []
    passed: list[StreamEvent] = []
    with Replies(runtime(told), "executor", 1, passed.append) as heard:
        for event in before:
            heard.hear(event)
    at_the_end = list(told)
    for event in after:
        heard.hear(event)
    assert (told, passed) == (at_the_end, before)
