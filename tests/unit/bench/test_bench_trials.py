"""The arms, each on a scripted model: what it asks, what it takes of the reply, what its failures count as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tiny_tasks import AREA, BAD_AREA, GOOD_AREA, task
from tiny_tasks import says as saying
from vivek.agent.run import AskResult
from vivek.bench.arms import ARMS, named
from vivek.bench.plain import code_in
from vivek.bench.result import Result
from vivek.bench.trial import Options, Trials
from vivek.cancel import CancelToken
from vivek.errors import ModelAPIError, RequestError, RunStoppedError
from vivek.request import AskRequest
from vivek.session import Session

BROKEN = "```python\ndef area(r:\n```\n"


def tried(options: Options, arm: str, *, repeat: int = 0, language: str = "python") -> Result:
    trials = Trials(options, CancelToken())
    try:
        return trials.run(task({**AREA, "language": language}), arm, repeat, [])
    finally:
        trials.close()


def test_the_plain_arm_asks_once_with_the_whole_file(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", GOOD_AREA), "raw")
    (call,) = found["calls"]
    assert [message["content"] for message in call["messages"]] == [
        "You are an expert Python programmer.",
        "You are given a Python program and an instruction. Apply the instruction and reply with the full edited "
        "program in one ```python block.\n\n```python\ndef area(r):\n    return 3 * r * r\n```\n\n"
        "Instruction: Use 4 instead of 3",
    ]
    sampling = call["sampling"]
    assert (sampling["temperature"], sampling["seed"]) == (0.0, 1)
    assert sampling["max_tokens"] == 300 + len(AREA["before"]) // 2
    assert (found["status"], found["well_formed"], found["unchanged"]) == ("pass", True, False)
    assert (found["lost_symbols"], found["changed_outside"]) == (0, 0)


@pytest.mark.parametrize(
    ("reply", "code", "fenced"),
    [
        ("```python\na\n```", "a\n", True),
        ("so:\n```py\na\n```\nor\n```\nlonger\n```", "longer\n", True),
        ("```python\ncut", "\ncut", False),
        ("bare", "bare", False),
    ],
)
def test_the_plain_arm_takes_the_longest_fence(reply: str, code: str, fenced: bool) -> None:
    assert code_in(reply, "python") == (code, fenced)


def test_an_oracle_takes_the_sample_that_passes(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", BAD_AREA, BROKEN, GOOD_AREA, BAD_AREA), "raw-oracle-4")
    assert found["status"] == "pass"
    assert [call["sampling"]["seed"] for call in found["calls"]] == [1, 2, 3]
    assert {call["sampling"]["temperature"] for call in found["calls"]} == {0.7}


def test_an_oracle_that_finds_nothing_has_its_first_sample(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", BAD_AREA, BROKEN, BROKEN, BROKEN), "raw-oracle-4")
    assert (found["status"], len(found["calls"])) == ("fail", 4)
    assert "5 * r" in found["code"]


def test_vivek_is_asked_as_a_user_asks_it(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", GOOD_AREA), "vivek")
    assert (found["status"], found["code"]) == ("pass", AREA["after"])
    assert (found["error"], found["well_formed"]) == ("", True)
    assert found["about"]["route"] == "rewrite"
    (call,) = found["calls"]
    assert "Use 4 instead of 3" in call["messages"][-1]["content"]
    assert call["reply"] == GOOD_AREA


def test_each_attempt_of_vivek_is_kept(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", BROKEN, GOOD_AREA), "vivek")
    assert (found["status"], found["about"]["iterations"]) == ("pass", 2)
    assert [call["reply"] for call in found["calls"]] == [BROKEN, GOOD_AREA]


def test_without_repair_there_is_one_attempt(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", BROKEN, GOOD_AREA), "vivek without repair")
    assert (found["status"], found["about"]["iterations"]) == ("syntax", 1)


@pytest.mark.parametrize(
    ("arm", "examples", "tests"),
    [("vivek", False, False), ("vivek --run-examples", True, False), ("vivek --test", False, True)],
)
def test_only_the_arms_that_are_named_for_it_may_run_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arm: str, examples: bool, tests: bool
) -> None:
    asked: list[AskRequest] = []
    files: list[str] = []
    ask = Session.ask

    def noted(self: Session, request: AskRequest, *more: Any) -> AskResult:
        assert request.path is not None
        asked.append(request)
        files.extend(path.read_text() for path in request.path.parent.iterdir())
        return ask(self, request, *more)

    monkeypatch.setattr(Session, "ask", noted)
    tried(saying(tmp_path / "s.json", GOOD_AREA, GOOD_AREA, GOOD_AREA), arm)
    (request,) = asked
    assert request.verify.run_examples == examples
    assert bool(request.verify.test) == tests
    assert any("area(2)" in text for text in files) == tests


def test_a_reply_without_code_is_a_result(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", "", "", ""), "vivek")
    assert (found["status"], found["error"], found["well_formed"]) == (
        "fail",
        "ModelOutputInvalidError",
        False,
    )
    assert found["unchanged"]
    assert found["calls"]


def test_code_given_back_unchanged_is_well_formed_and_a_no_op(tmp_path: Path) -> None:
    same = f"```python\n{AREA['before']}```\n"
    found = tried(saying(tmp_path / "s.json", same, same, same), "vivek")
    assert (found["unchanged"], found["well_formed"], found["status"]) == (True, True, "fail")


def test_a_server_that_fails_is_no_result(tmp_path: Path) -> None:
    for arm in ("raw", "vivek"):
        with pytest.raises(ModelAPIError):
            tried(saying(tmp_path / f"{arm}.json"), arm)


def test_a_stopped_run_is_no_result(tmp_path: Path) -> None:
    cancel = CancelToken()
    trials = Trials(saying(tmp_path / "s.json", GOOD_AREA), cancel)
    cancel.cancel()
    with pytest.raises(RunStoppedError):
        trials.run(task(AREA), "vivek", 0, [])
    trials.close()


def test_a_runs_options_reach_every_arm(tmp_path: Path) -> None:
    for number, arm in enumerate(("raw", "vivek")):
        options = saying(
            tmp_path / f"{number}.json", GOOD_AREA, temperature=0.25, top_p=0.5, reply_cap=99, seed=3
        )
        (call,) = tried(options, arm, repeat=2)["calls"]
        sampling = call["sampling"]
        assert (sampling["temperature"], sampling["top_p"]) == (0.25, 0.5), arm
        assert (sampling["max_tokens"], sampling["seed"]) == (99, 203), arm


def test_a_task_that_cannot_be_run_here_is_skipped_before_the_model_is_asked(tmp_path: Path) -> None:
    found = tried(saying(tmp_path / "s.json", GOOD_AREA), "vivek", language="cobol")
    assert (found["status"], found["calls"]) == ("skipped", [])
    assert "cobol" in found["detail"]


def test_arms_are_named_with_or_without_their_blanks() -> None:
    assert named("raw, vivek-without-repair,raw") == ["raw", "vivek without repair"]
    assert named(",".join(ARMS)) == list(ARMS)
    with pytest.raises(RequestError, match=r"no arm 'vivk'.*'vivek'"):
        named("vivk")
    with pytest.raises(RequestError, match="No arm"):
        named(",")
