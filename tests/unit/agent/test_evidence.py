"""What running examples and tests changes in an ask: the first prompt, the judgement, and how it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vivek.agent.formatter import ANEW
from vivek.agent.reviewer import VERIFIED_ATTEMPTS
from vivek.agent.run import AskResult, ask
from vivek.agent.state import Event, Ports
from vivek.cancel import CancelToken
from vivek.edits.diff import apply
from vivek.errors import RunStoppedError
from vivek.llm.loop import ModelLoop
from vivek.llm.scripted import ScriptedModel
from vivek.request import AskRequest
from vivek.verify.examples import Example, examples_of
from vivek.verify.report import Finding, Report

TEXT = 'def half(x):\n    """Half of x.\n\n    >>> half(3)\n    1.5\n    >>> half(4)\n    2.0\n    """\n    return x // 2\n'
RIGHT = TEXT.replace("//", "/")
WORSE = TEXT.replace("x // 2", "x * 2")
STALE = TEXT.replace("1.5", "1").replace("2.0", "2").replace("x // 2", "x // 2 + 0")


def fenced(code: str) -> str:
    return f"```python\n{code}```\n"


@dataclass
class Runner:
    """Evaluates the examples right here: `half` is all there is to run. failing: what the user's tests say of a text."""

    failing: Callable[[str], Sequence[str]] = lambda _text: ()
    has_tests: bool = False
    cancelled: bool = False
    ran: list[str] = field(default_factory=list)

    def examples(self, text: str, first: int, last: int, cancel: CancelToken) -> Report:
        return self.run_examples(text, examples_of(text, first, last, "python"), cancel)

    def run_examples(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        if self.cancelled:
            raise RunStoppedError("Stopped.")
        self.ran.append(text)
        space: dict[str, object] = {}
        exec(text, space)
        findings = []
        for example in examples:
            got = repr(eval(example.expression, space))
            wanted = example.expected.strip()
            findings.append(Finding(example.expression, wanted, got, "", got == wanted))
        return Report(bool(findings), "", tuple(findings))

    def tests(self, text: str, cancel: CancelToken) -> Report:
        if not self.has_tests:
            return Report(False, "no test command is set")
        failing = self.failing(text)
        found = [Finding(name, "", "", "AssertionError", passed=False) for name in failing]
        return Report(True, "", (*found, Finding("test_other", "", "", "", passed=True)))


@pytest.fixture
def loop() -> Iterator[ModelLoop]:
    made = ModelLoop()
    yield made
    made.close()


def asked(
    loop: ModelLoop,
    runner: Runner | None,
    *replies: str,
    instruction: str = "fix half",
    text: str = TEXT,
    events: list[Event] | None = None,
) -> tuple[AskResult, ScriptedModel]:
    model, never = ScriptedModel(*replies), CancelToken()
    ports = Ports(
        request=AskRequest(run="1", instruction=instruction, text=text, filetype="python", path=Path("a.py")),
        model=model,
        info=loop.run(model.info(), never),
        counter=loop.run(model.counter(), never),
        loop=loop,
        cancel=never,
        symbols=lambda _text, _first, _last: [],
        verifier=runner,
    )
    return ask(ports, None, "t", ([] if events is None else events).append), model


def prompt_of(model: ScriptedModel, call: int) -> str:
    return model.prompts[call][-1].content


def test_what_fails_now_is_in_the_first_prompt_with_its_value(loop: ModelLoop) -> None:
    _, model = asked(loop, Runner(), fenced(RIGHT))
    assert "The code is wrong now:\n- `half(3)` gives 1, but should give 1.5\n- `half(4)`" in prompt_of(
        model, 0
    )


def test_nothing_is_run_and_nothing_said_where_nothing_is_switched_on(loop: ModelLoop) -> None:
    result, model = asked(loop, None, fenced(WORSE))
    assert "wrong now" not in prompt_of(model, 0)
    assert result["score"] == 1.0


def test_a_failure_is_kept_from_the_prompt_where_nothing_is_to_be_mended(loop: ModelLoop) -> None:
    _, model = asked(loop, Runner(), fenced(RIGHT), instruction="add a type hint")
    assert "wrong now" not in prompt_of(model, 0)


def test_a_candidate_that_fails_is_asked_for_anew_and_not_shown(loop: ModelLoop) -> None:
    result, model = asked(loop, Runner(), fenced(WORSE), fenced(RIGHT))
    assert apply(TEXT, result["edits"]) == RIGHT
    assert [message.role for message in model.prompts[1]] == ["system", "user"]
    assert "x * 2" not in prompt_of(model, 1)


def test_old_code_that_comes_back_is_asked_for_without_its_body(loop: ModelLoop) -> None:
    events: list[Event] = []
    result, model = asked(loop, None, fenced(TEXT), fenced(RIGHT), events=events)
    assert apply(TEXT, result["edits"]) == RIGHT
    assert "x // 2" in prompt_of(model, 0)
    assert "x // 2" not in prompt_of(model, 1)
    assert '    """\n    ...\n```' in prompt_of(model, 1)
    assert ANEW in [event.get("text") for event in events]


def test_nothing_is_said_of_a_body_that_the_model_has_seen(loop: ModelLoop) -> None:
    events: list[Event] = []
    asked(loop, None, fenced(RIGHT), events=events)
    assert ANEW not in [event.get("text") for event in events]


def test_where_nothing_describes_the_function_the_model_is_to_say_what_is_wrong(loop: ModelLoop) -> None:
    bare, right = "def half(x):\n    return x // 2\n", "def half(x):\n    return x / 2\n"
    result, model = asked(loop, None, fenced(bare), fenced(right), text=bare)
    assert apply(bare, result["edits"]) == right
    assert "Say in one sentence what is wrong" in prompt_of(model, 1)
    before, _, _ = prompt_of(model, 0).partition("fix half")
    assert prompt_of(model, 1).startswith(before), "what the server has read stays cached"


def test_a_body_is_not_written_anew_where_nothing_is_to_be_mended(loop: ModelLoop) -> None:
    _, model = asked(loop, None, fenced(TEXT), fenced(RIGHT), instruction="make it faster")
    assert "Say in one sentence what to change" in prompt_of(model, 1)


def test_a_new_question_is_greedy_and_one_that_was_asked_before_is_not(loop: ModelLoop) -> None:
    _, model = asked(loop, Runner(), *[fenced(WORSE)] * 4, fenced(RIGHT))
    assert [sampling.temperature for sampling in model.samplings] == [0.0, 0.0, 0.0, 0.5, 0.5]
    assert len({sampling.seed for sampling in model.samplings}) == 5
    assert ["..." in prompt_of(model, call) for call in range(5)] == [False, True, False, True, False]


def test_the_attempt_that_fails_least_is_offered_where_none_passes(loop: ModelLoop) -> None:
    nearly = TEXT.replace("x // 2", "1.5 if x == 3 else 7")
    replies = [fenced(WORSE), fenced(nearly), *[fenced(WORSE)] * (VERIFIED_ATTEMPTS - 2)]
    result, model = asked(loop, Runner(), *replies)
    assert len(model.prompts) == VERIFIED_ATTEMPTS
    assert apply(TEXT, result["edits"]) == nearly
    assert [check["name"] for check in result["checks"] if not check["passed"]] == ["examples"]


def test_an_example_that_the_model_altered_to_pass_is_still_the_users(loop: ModelLoop) -> None:
    result, _ = asked(loop, Runner(), fenced(STALE), fenced(RIGHT))
    assert apply(TEXT, result["edits"]) == RIGHT


def test_an_example_left_behind_by_a_change_is_told_and_does_not_decide(loop: ModelLoop) -> None:
    result, model = asked(loop, Runner(), fenced(WORSE), instruction="make it give twice the number")
    assert len(model.prompts) == 1
    assert result["score"] == 0.8
    assert "`half(3)` gives 6" in next(check["detail"] for check in result["checks"] if not check["passed"])


def test_a_failing_test_decides_whatever_the_instruction_asks_for(loop: ModelLoop) -> None:
    runner = Runner(lambda text: ["test_half"] if "* 2" in text else [], has_tests=True)
    result, _ = asked(loop, runner, fenced(WORSE), fenced(RIGHT), instruction="make it exact", text=TEXT)
    assert apply(TEXT, result["edits"]) == RIGHT


def test_a_test_that_failed_before_is_not_held_against_another_change(loop: ModelLoop) -> None:
    runner = Runner(lambda _text: ["test_of_something_else"], has_tests=True)
    result, model = asked(loop, runner, fenced(RIGHT), instruction="make it exact")
    assert len(model.prompts) == 1
    assert result["score"] == 1.0


def test_a_test_that_fails_in_another_way_than_before_tests_the_new_code(loop: ModelLoop) -> None:
    def failing(text: str) -> list[str]:
        return [] if text == RIGHT else [f"half(3) == {text.count('*')}"]

    result, model = asked(
        loop, Runner(failing, has_tests=True), fenced(WORSE), fenced(RIGHT), instruction="make it exact"
    )
    assert len(model.prompts) == 2
    assert apply(TEXT, result["edits"]) == RIGHT


def test_a_stop_while_a_candidate_runs_offers_what_was_written(loop: ModelLoop) -> None:
    runner = Runner()
    runner_examples = runner.run_examples

    def stopped_later(text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        runner.cancelled = text != TEXT
        return runner_examples(text, examples, cancel)

    runner.run_examples = stopped_later  # type: ignore[method-assign]
    result, _ = asked(loop, runner, fenced(WORSE))
    assert result["stopped"]
    assert apply(TEXT, result["edits"]) == WORSE


UNUSED = "def total(rows):\n    count = len(rows)\n    return sum(rows)\n"


def test_what_static_tools_know_of_the_block_is_told_where_a_fault_is_to_be_mended(loop: ModelLoop) -> None:
    mended = fenced(UNUSED.replace("    count = len(rows)\n", ""))
    _, model = asked(loop, None, mended, instruction="fix total", text=UNUSED)
    assert "Diagnostics:\n- line 2 of the code: `count` is assigned but never used" in prompt_of(model, 0)
    _, model = asked(loop, None, mended, instruction="shorten it", text=UNUSED)
    assert "Diagnostics" not in prompt_of(model, 0)
