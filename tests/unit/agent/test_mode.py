"""Modes: which one an instruction means, and what becomes of an ask in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.mode import mode_of, route_in
from vivek.agent.run import AskResult, ask
from vivek.agent.state import Event, Ports
from vivek.cancel import CancelToken
from vivek.edits.diff import apply
from vivek.errors import RunStoppedError
from vivek.llm.loop import ModelLoop
from vivek.llm.scripted import ScriptedModel
from vivek.modes import MODES, Mode
from vivek.request import AskRequest
from vivek.verify.examples import Example
from vivek.verify.report import Finding, Report

TEXT = (
    "import math\n\n\ndef clamp(x, low, high):\n    if x < low:\n        return low\n    return min(x, high)\n\n\n"
    "def area(r):\n    return math.pi * r * r\n"
)
GOOD = (
    "from clamps import clamp\n\n\ndef test_low():\n    assert clamp(0, 1, 3) == 1\n\n\n"
    "def test_inside():\n    assert clamp(2, 1, 3) == 2\n"
)
WRONG = "\n\ndef test_wrong():\n    assert clamp(9, 1, 3) == 9\n"
BLIND = "from clamps import clamp\n\n\ndef test_it_runs():\n    assert clamp(2, 1, 3) is not Ellipsis\n"


def fenced(code: str, language: str = "python") -> str:
    return f"Here:\n```{language}\n{code}```\n"


@dataclass
class Runner:
    """Runs written tests right here, on the text that it is given as the module `clamps`."""

    why_not: str = ""
    cancelled: bool = False
    texts: list[str] = field(default_factory=list)

    def examples(self, text: str, first: int, last: int, cancel: CancelToken) -> Report:
        return Report(False)

    def run_examples(self, text: str, examples: Sequence[Example], cancel: CancelToken) -> Report:
        return Report(False)

    def tests(self, text: str, cancel: CancelToken) -> Report:
        return Report(False)

    def run_tests(self, text: str, tests: str, cancel: CancelToken, folder: Path = Path()) -> Report:
        if self.cancelled:
            raise RunStoppedError("Stopped.")
        if self.why_not:
            return Report(False, self.why_not)
        self.texts.append(text)
        space: dict[str, Any] = {}
        exec(text, space)
        exec("\n".join(line for line in tests.split("\n") if not line.startswith("from ")), space)
        findings = []
        for name, test in list(space.items()):
            if name.startswith("test"):
                try:
                    test()
                except Exception as error:  # noqa: BLE001
                    findings.append(Finding(name, "", "", type(error).__name__, passed=False, source=name))
                else:
                    findings.append(Finding(name, "", "", "", passed=True, source=name))
        return Report(True, "", tuple(findings))


class Asker:
    def __init__(self, loop: ModelLoop) -> None:
        self.loop = loop
        self.events: list[Event] = []
        self.model = ScriptedModel()

    def __call__(
        self,
        instruction: str,
        *replies: str,
        mode: Mode = "auto",
        runner: Runner | None = None,
        text: str = TEXT,
        path: str = "clamps.py",
        filetype: str = "python",
        **place: Any,
    ) -> AskResult:
        self.model, never = ScriptedModel(*replies), CancelToken()
        request = AskRequest(
            run="1",
            instruction=instruction,
            text=text,
            filetype=filetype,
            path=Path(path),
            mode=mode,
            **(place or {"cursor": 5}),
        )
        ports = Ports(
            request=request,
            model=self.model,
            info=self.loop.run(self.model.info(), never),
            counter=self.loop.run(self.model.counter(), never),
            loop=self.loop,
            cancel=never,
            symbols=lambda _text, _first, _last: [],
            verifier=runner,
        )
        self.events = []
        return ask(ports, None, "t", self.events.append)

    def prompt(self, call: int = 0) -> str:
        return self.model.prompts[call][-1].content


@pytest.fixture
def asker() -> Iterator[Asker]:
    loop = ModelLoop()
    yield Asker(loop)
    loop.close()


def request(instruction: str, mode: Mode = "auto", **values: Any) -> AskRequest:
    given = {"text": TEXT, "filetype": "python", "path": Path("clamps.py"), **values}
    return AskRequest(run="1", instruction=instruction, mode=mode, **given)


# Which mode


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("write tests for clamp", "sdet"),
        ("please add some unit tests", "sdet"),
        ("could you write a test for the limits?", "sdet"),
        ("cover this with tests", "sdet"),
        ("write a few pytest test cases", "sdet"),
        ("make the tests pass", "coder"),
        ("add a test parameter", "coder"),
        ("write a function that tests whether n is prime", "coder"),
        ("create a helper to run tests", "coder"),
        ("fix the failing tests", "coder"),
        ("how should I structure this?", "architect"),
        ("How would you split this module?", "architect"),
        ("what is the best way to organise these classes?", "architect"),
        ("plan the move to async", "architect"),
        ("make a plan for caching", "architect"),
        ("propose a design", "architect"),
        ("how could this be refactored?", "architect"),
        ("plan.price should be a float", "coder"),
        ("how does this split the lines?", "peer"),
        ("explain this code", "peer"),
        ("what does clamp return?", "peer"),
        ("why a loop?", "peer"),
        ("make the clamp faster", "coder"),
        ("split this into two functions", "coder"),
        ("could you refactor this?", "coder"),
        ("thread safety", "coder"),
    ],
)
def test_the_words_of_an_instruction_choose_the_mode(instruction: str, expected: str) -> None:
    assert mode_of(request(instruction)) == expected


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "auto"])
@pytest.mark.parametrize("instruction", ["write tests", "how should I split this?", "why?", "use a set"])
def test_a_mode_that_was_chosen_holds_whatever_the_words_say(mode: Mode, instruction: str) -> None:
    assert mode_of(request(instruction, mode)) == mode


@given(st.text(min_size=1).filter(str.strip))
def test_any_words_choose_a_mode_and_the_same_each_time(instruction: str) -> None:
    chosen = mode_of(request(instruction))
    assert chosen in MODES
    assert chosen != "auto"
    assert mode_of(request(instruction)) == chosen


def test_on_an_empty_buffer_the_words_ask_for_new_code() -> None:
    blank = request("write tests for a stack", text="")
    assert (mode_of(blank), route_in(mode_of(blank), blank)) == ("coder", "insert")


def test_a_selected_test_is_extended_within_its_lines() -> None:
    selected = request("add tests for zero", path=Path("test_clamps.py"), first=4, last=7)
    assert mode_of(selected) == "coder"
    assert route_in("coder", selected) == "rewrite"


@pytest.mark.parametrize(
    ("mode", "path", "route"),
    [
        ("architect", "a.py", "answer"),
        ("peer", "a.py", "answer"),
        ("coder", "a.py", "rewrite"),
        ("sdet", "a.py", "tests"),
        ("sdet", "test_a.py", "insert"),
        ("sdet", "a_test.go", "insert"),
        ("sdet", "a.spec.ts", "insert"),
    ],
)
def test_a_mode_implies_the_kind_of_work(mode: Mode, path: str, route: str) -> None:
    assert route_in(mode, request("use a set", mode, path=Path(path))) == route


# architect and peer


def test_an_architect_answers_with_a_plan_and_the_blocks_it_concerns(asker: Asker) -> None:
    plan = "1. Move `clamp` to a module of its own.\n2. Keep math."
    result = asker("how should I split this?", plan)
    assert (result["mode"], result["route"], result["edits"]) == ("architect", "answer", [])
    assert result["answer"] == f"{plan}\n\nBlocks that this concerns: `clamp` (lines 4 to 7)."
    assert "".join(event["text"] for event in asker.events if event["kind"] == "text") == result["answer"]
    assert "Write no code" in asker.prompt()


def test_an_architect_sees_the_outline_of_the_file(asker: Asker) -> None:
    asker("speed", "1. Nothing.", mode="architect")
    assert "def area(r): ...  lines 10 to 11" in asker.prompt()


def test_an_architect_may_be_asked_about_a_file_that_is_too_long_to_rewrite(asker: Asker) -> None:
    text = "".join(f"x{number} = {number}\n" for number in range(400)) + TEXT
    result = asker("how should I split this?", "1. Leave it.", text=text, cursor=1)
    assert result["answer"] == "1. Leave it."
    assert "def clamp(x, low, high): ...  lines 404 to 407" in asker.prompt()


def test_a_peer_answers_what_would_else_be_an_edit(asker: Asker) -> None:
    result = asker("use a set", "A set has no order.", mode="peer")
    assert (result["mode"], result["answer"], result["edits"]) == ("peer", "A set has no order.", [])


def test_a_coder_answers_questions_as_ever(asker: Asker) -> None:
    result = asker("what is this?", "A clamp.", mode="coder")
    assert (result["mode"], result["route"], result["answer"]) == ("coder", "answer", "A clamp.")


# sdet


def test_tests_for_a_source_file_are_an_answer_with_one_block(asker: Asker) -> None:
    result = asker("write tests for clamp", fenced(GOOD))
    assert (result["mode"], result["route"], result["edits"]) == ("sdet", "tests", [])
    assert result["answer"] == f"```python\n{GOOD}```"
    assert result["score"] == 1.0
    assert "begin with `from clamps import clamp`" in asker.prompt()


def test_the_import_of_what_is_tested_is_mended_and_a_copy_of_it_left_out(asker: Asker) -> None:
    copied = GOOD.replace(
        "from clamps import clamp\n",
        "from your_module import clamp\n\n\ndef clamp(x, low, high):\n    return x\n",
    )
    result = asker("write tests for clamp", fenced(copied))
    assert result["answer"] == f"```python\n{GOOD}```"


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (fenced("def check():\n    assert clamp(1, 2, 3)\n"), "There is no test"),
        (fenced("def test_it():\n    clamp(1, 2, 3)\n"), "The tests check nothing"),
        (fenced("def test_it():\n    assert 1 == 1\n"), "The tests never use `clamp`"),
        (fenced("def test_it(:\n    assert clamp(1, 2, 3) == 2\n"), "does not parse"),
        ("I would rather not.", "holds no code block"),
    ],
)
def test_what_is_no_test_of_the_code_is_told_and_asked_for_again(
    asker: Asker, reply: str, complaint: str
) -> None:
    result = asker("write tests for clamp", reply, fenced(GOOD))
    assert result["answer"] == f"```python\n{GOOD}```"
    assert complaint in asker.prompt(1)


def test_tests_that_pass_and_notice_faults_are_offered_with_the_count(asker: Asker) -> None:
    runner = Runner()
    result = asker("write tests for clamp", fenced(GOOD), runner=runner)
    count = "2 tests pass on the code as it is, and fail on "
    assert count in result["answer"]
    assert {check["name"] for check in result["checks"] if check["passed"]} >= {
        "tests pass",
        "tests catch broken copies",
    }
    assert runner.texts[0] == TEXT
    assert len(runner.texts) > 3
    assert all("math.pi * r * r" in text for text in runner.texts)


def test_tests_that_notice_no_fault_are_asked_for_again(asker: Asker) -> None:
    result = asker("write tests for clamp", fenced(BLIND), fenced(GOOD), runner=Runner())
    assert "The tests notice none of" not in result["answer"]
    assert "def test_low" in result["answer"]
    assert "compare results with exact values" in asker.prompt(1)


def test_tests_that_the_code_fails_are_left_out_and_told(asker: Asker) -> None:
    result = asker("write tests for clamp", fenced(GOOD + WRONG), runner=Runner())
    block, _, told = result["answer"].rpartition("```")
    assert block == f"```python\n{GOOD}"
    assert "1 more was left out, since the code as it is fails: `test_wrong` raises AssertionError." in told
    assert len(asker.model.prompts) == 1


def test_tests_that_all_fail_are_asked_for_again_and_the_best_are_offered(asker: Asker) -> None:
    wrong = "from clamps import clamp\n" + WRONG
    result = asker("write tests for clamp", *[fenced(wrong)] * 3, runner=Runner())
    assert len(asker.model.prompts) == 3
    assert "The code as it is fails the tests: `test_wrong` raises AssertionError." in asker.prompt(1)
    assert [check["name"] for check in result["checks"] if not check["passed"]] == ["tests pass"]
    assert result["score"] < 0.6


def test_tests_that_cannot_be_run_are_offered_and_that_is_told(asker: Asker) -> None:
    runner = Runner(why_not="cannot verify: the project is too large")
    result = asker("write tests for clamp", fenced(GOOD), runner=runner)
    assert result["answer"].endswith("The tests were not run: cannot verify: the project is too large.")
    assert result["score"] == 1.0


def test_a_stop_while_tests_run_offers_the_tests(asker: Asker) -> None:
    result = asker("write tests for clamp", fenced(GOOD), runner=Runner(cancelled=True))
    assert result["stopped"]
    assert GOOD in result["answer"]


def test_tests_in_a_file_of_tests_are_proposed_at_the_cursor(asker: Asker) -> None:
    more = "def test_high():\n    assert clamp(9, 1, 3) == 3\n"
    result = asker(
        "write a test for the upper limit", fenced(more), text=GOOD, path="test_clamps.py", cursor=5
    )
    assert (result["mode"], result["route"], result["answer"]) == ("sdet", "insert", "")
    after = apply(GOOD, result["edits"])  # type: ignore[arg-type]
    assert after.index("test_low") < after.index("test_high") < after.index("test_inside")
    assert "Follow the tests that are there." in asker.prompt()


def test_what_is_no_test_is_not_good_enough_for_a_file_of_tests(asker: Asker) -> None:
    more = "def test_high():\n    assert clamp(9, 1, 3) == 3\n"
    result = asker("add a test", fenced("x = 1\n"), fenced(more), text=GOOD, path="test_clamps.py", cursor=5)
    assert more in apply(GOOD, result["edits"])  # type: ignore[arg-type]
    assert "There is no test" in asker.prompt(1)


def test_tests_in_other_languages_are_checked_by_their_text(asker: Asker) -> None:
    text = "export function half(x) {\n  return x / 2;\n}\n"
    tests = "test('half', () => {\n  expect(half(4)).toBe(2);\n});\n"
    result = asker(
        "write tests for half",
        fenced("half(4);\n", "javascript"),
        fenced(tests, "javascript"),
        runner=Runner(),
        text=text,
        path="half.js",
        filetype="javascript",
        cursor=1,
    )
    assert tests in result["answer"]
    assert "check nothing" in asker.prompt(1)
