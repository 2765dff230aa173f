"""What a model is asked about its own work, on the whole graph: when, with which prompt, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from test_ask import BROKEN, GOOD, TEXT, Asker

from vivek.agent.opinions import VERDICT, VERDICT_WEIGHT, Verdict
from vivek.agent.reviewer import THRESHOLD
from vivek.edits.diff import apply
from vivek.errors import ModelAPIError
from vivek.llm.profiles import PROFILES
from vivek.llm.scripted import ScriptedModel
from vivek.llm.structured import read

PLANS = replace(PROFILES["medium"])
JUDGES = replace(PROFILES["large"], plan=False)
CHANGE, NEW, WORDS = '{"kind": "change"}', '{"kind": "new"}', '{"kind": "words"}'
RIGHT, WRONG = '{"verdict": "right", "problem": ""}', '{"verdict": "wrong", "problem": "pi is not 4"}'
OPEN = "thread safety"


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Asker] = []

    def build(*replies: str, profile: Any = PLANS, **options: Any) -> Asker:
        made.append(Asker(ScriptedModel(*replies, **options)))
        made[-1].profile = profile
        return made[-1]

    yield build
    for asker in made:
        asker.loop.close()


def nodes(result: Any) -> list[str]:
    return [call["node"] for call in result["calls"]]


# The planner's question


def test_where_the_words_settle_nothing_the_model_says_what_is_meant(make: Any) -> None:
    asker = make(WORDS, "It is not.")
    result = asker(OPEN)
    assert (result["route"], result["answer"]) == ("answer", "It is not.")
    assert nodes(result) == ["planner", "executor"]
    assert asker.nodes()[:3] == ["planner", "planner", "planner"]
    assert any("asking the model" in event["detail"] for event in asker.events if event["kind"] == "node")


def test_the_answer_and_its_raw_text_are_in_the_calls(make: Any) -> None:
    call = make(CHANGE, GOOD)(OPEN)["calls"][0]
    assert (call["node"], call["reply"], call["step"]) == ("planner", CHANGE, "whole")
    assert call["prompt_tokens"] > 0
    assert call["generated_tokens"] > 0


def test_the_question_shares_all_of_the_executors_prompt_but_its_end(make: Any) -> None:
    asker = make(CHANGE, GOOD)
    asker(OPEN)
    (system, asked), (same_system, done) = asker.model.prompts
    assert system == same_system
    shared = asked.content.index(OPEN)
    assert asked.content[:shared] == done.content[:shared]
    assert "The code block:" in asked.content[:shared]
    assert "JSON" in asked.content[shared:]
    assert asker.model.samplings[0].max_tokens < 40


def test_the_question_goes_with_the_plain_prompt_too(make: Any) -> None:
    asker = make(CHANGE, GOOD, profile=replace(PLANS, plain=True))
    assert nodes(asker(OPEN)) == ["planner", "executor"]
    assert "JSON" in asker.model.prompts[0][1].content


def test_new_code_goes_beside_what_is_there(make: Any) -> None:
    result = make(NEW, "```python\ndef top(r):\n    return r\n```")(OPEN, cursor=1)
    assert result["route"] == "insert"
    assert TEXT.split("\n\n\n")[0] in apply(TEXT, result["edits"])


def test_new_code_on_a_selection_stays_within_it(make: Any) -> None:
    assert make(NEW, GOOD)(OPEN)["route"] == "rewrite"


@pytest.mark.parametrize("instruction", ["add a docstring", "what is this?", "explain it", "type hints"])
def test_where_the_words_settle_it_no_model_is_asked(make: Any, instruction: str) -> None:
    assert nodes(make(GOOD)(instruction)) == ["executor"]


def test_a_small_model_is_not_asked(make: Any) -> None:
    assert nodes(make(GOOD, profile=PROFILES["small"])(OPEN)) == ["executor"]


def test_an_answer_that_is_none_is_asked_for_again_and_then_given_up(make: Any) -> None:
    asker = make("Let me see.", "Well, well.", GOOD)
    result = asker(OPEN)
    assert result["route"] == "rewrite"
    assert nodes(result) == ["planner", "planner again", "executor"]
    assert [call.get("step") for call in result["calls"]] == [None, "fallback", None]
    assert [call["reply"] for call in result["calls"][:2]] == ["Let me see.", "Well, well."]
    assert "no JSON object" in result["calls"][0]["problem"]


def test_a_second_answer_counts(make: Any) -> None:
    result = make("Words, I guess.", WORDS, "It is not.")(OPEN)
    assert result["route"] == "answer"
    assert nodes(result) == ["planner", "planner again", "executor"]
    assert result["calls"][1]["step"] == "asked again"


@pytest.mark.parametrize(("capabilities", "bound"), [(["schema"], True), ([], False)])
def test_the_answer_is_bound_to_a_schema_where_the_server_can(
    make: Any, capabilities: list[str], bound: bool
) -> None:
    asker = make(CHANGE, GOOD, capabilities=capabilities)
    asker(OPEN)
    schema = asker.model.samplings[0].schema
    assert bool(schema) is bound
    assert not bound or schema["properties"]["kind"]["enum"] == ["change", "new", "words"]
    assert asker.model.samplings[1].schema is None


def test_a_question_that_fails_is_told_and_the_rule_decides(make: Any) -> None:
    asker = make()
    asker.model.enqueue("{", error=ModelAPIError("The server stumbled."))
    asker.model.enqueue(GOOD)
    result = asker(OPEN)
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")
    assert any("The server stumbled." in text for text in asker.notices())
    assert (result["calls"][0]["reply"], result["calls"][0]["step"]) == ("{", "fallback")


def test_a_stop_during_the_question_stops_the_run(make: Any) -> None:
    asker = make()
    asker.model.enqueue("{", hang=True)

    def listen(event: Any) -> None:
        asker.events.append(event)
        if event["kind"] == "progress" and event["phase"] == "reading":
            asker.cancel.cancel()

    asker.listen = listen
    result = asker(OPEN)
    assert result["stopped"]
    assert result["edits"] == []


# The reviewer's question


def verdict_of(result: Any) -> dict[str, Any] | None:
    return next((check for check in result["checks"] if check["name"] == VERDICT), None)


def test_a_good_verdict_leaves_the_score(make: Any) -> None:
    result = make(GOOD, RIGHT, profile=JUDGES)()
    assert result["score"] == 1.0
    assert nodes(result) == ["executor", "reviewer"]
    assert verdict_of(result) == {"name": VERDICT, "passed": True, "detail": ""}


def test_a_bad_verdict_is_told_and_vetoes_nothing(make: Any) -> None:
    asker = make(GOOD, WRONG, profile=JUDGES)
    result = asker()
    assert result["iterations"] == 1
    assert THRESHOLD <= result["score"] == 1 - VERDICT_WEIGHT
    assert result["edits"]
    assert any("doubts its own edit: pi is not 4." in text for text in asker.notices())


def test_no_verdict_alone_can_cost_an_edit_its_place() -> None:
    for lost_otherwise in (0.0, 0.2):
        assert 1 - lost_otherwise - VERDICT_WEIGHT >= THRESHOLD


def test_the_verdict_is_asked_at_the_end_of_what_the_executor_said(make: Any) -> None:
    asker = make(GOOD, RIGHT, profile=JUDGES)
    asker("use four")
    executor, reviewer = asker.model.prompts
    assert reviewer[:2] == executor
    assert [message.role for message in reviewer[2:]] == ["assistant", "user"]
    assert reviewer[2].content == GOOD
    assert "use four" in reviewer[3].content


def test_facts_come_first_no_opinion_is_asked_of_code_that_fails_them(make: Any) -> None:
    result = make(BROKEN, GOOD, RIGHT, profile=JUDGES)()
    assert nodes(result) == ["executor", "executor", "reviewer"]


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "Wrong ", "problem": "' + "on and on " * 50 + '"}',
        '{"verdict": "wrong", "problem": "' + "on and on " * 50,
        '{"verdict": "wrong"}',
    ],
)
def test_a_verdict_may_be_wordy_or_short_of_words(text: str) -> None:
    value, _, problem = read(text, Verdict)
    assert problem == ""
    assert value is not None
    assert value.verdict == "wrong"
    assert len(value.problem) <= 120


def test_a_verdict_that_is_none_counts_for_nothing(make: Any) -> None:
    result = make(GOOD, "Looks fine.", "Really.", profile=JUDGES)()
    assert (result["score"], verdict_of(result)) == (1.0, None)
    assert nodes(result) == ["executor", "reviewer", "reviewer again"]


def test_a_question_that_does_not_fit_in_the_window_is_not_asked(make: Any) -> None:
    wordy = GOOD + "word " * 120
    judges = replace(JUDGES, plain=True)  # whose prompt is the same in every window
    question = make(wordy, RIGHT, profile=judges)()["calls"][1]
    tight = make(wordy, profile=judges, context_window=question["prompt_tokens"] + 300)
    assert nodes(tight()) == ["executor"]
    roomy = make(wordy, RIGHT, profile=judges, context_window=question["prompt_tokens"] + 400)
    assert nodes(roomy()) == ["executor", "reviewer"]


LONG = "".join(f"x_{number} = {number}\n" for number in range(300))


def test_after_the_window_was_raised_the_questions_have_the_new_one(make: Any) -> None:
    code = f"```python\n{LONG.replace('= 7', '= 8')}```\n"
    asker = make(CHANGE, code, RIGHT, profile=PROFILES["large"], context_window=1500, widest=16384)
    assert nodes(asker(OPEN, text=LONG, first=1, last=300)) == ["planner", "executor", "reviewer"]


def test_a_window_that_was_raised_is_told_once(make: Any) -> None:
    asker = make(WORDS, "It is not.", context_window=1500, widest=16384)
    asker(OPEN, text=LONG, first=1, last=300)
    raised = [text for text in asker.notices() if "is raised" in text]
    assert len(raised) == 1
    assert "from 1500 to 16384 tokens" in raised[0]


def test_a_stop_while_the_window_is_raised_ends_the_run(make: Any) -> None:
    asker = make(CHANGE, GOOD, context_window=1500, widest=16384)

    def listen(event: Any) -> None:
        if event["kind"] == "progress" and event["phase"] == "loading":
            asker.cancel.cancel()

    asker.listen = listen
    assert asker(OPEN, text=LONG, first=1, last=300)["stopped"]


def test_a_stop_during_the_verdict_keeps_the_edit(make: Any) -> None:
    asker = make(GOOD, profile=JUDGES)
    asker.model.enqueue("{", hang=True)

    def listen(event: Any) -> None:
        if event["kind"] == "node" and "verdict" in event["detail"]:
            asker.cancel.cancel()

    asker.listen = listen
    result = asker()
    assert result["stopped"]
    assert result["edits"]


# Sampling and attempts


def test_the_profile_decides_how_often_and_how_freely_is_asked(make: Any) -> None:
    profile = replace(
        PROFILES["small"],
        temperature=0.1,
        retry_temperature=0.7,
        top_p=0.8,
        repeat_penalty=1.05,
        iterations=2,
    )
    asker = make(BROKEN, BROKEN, profile=profile)
    assert asker()["iterations"] == 2
    first, second = asker.model.samplings
    assert (first.temperature, second.temperature) == (0.1, 0.7)
    assert (second.top_p, second.repeat_penalty) == (0.8, 1.05)
