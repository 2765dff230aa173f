"""The whole graph on a scripted model: what an ask comes to."""

from __future__ import annotations

import random
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vivek.agent.adaptive import TrackRecord
from vivek.agent.conversation import record_outcome
from vivek.agent.run import AskResult, ask
from vivek.agent.state import Event, Ports
from vivek.agent.store import Store
from vivek.cancel import CancelToken
from vivek.context.symbols import Symbol
from vivek.edits.diff import apply
from vivek.errors import (
    ContextWindowExceededError,
    ConversationError,
    ModelAPIError,
    ModelOutputInvalidError,
)
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import PROFILES
from vivek.llm.scripted import ScriptedModel
from vivek.request import AskRequest

TEXT = "def area(r):\n    return 3 * r * r\n\n\ndef side(r):\n    return 2 * r\n"
GOOD = "```python\ndef area(r):\n    return 4 * r * r\n```\n"
BROKEN = "```python\ndef area(r)\n    return 4 * r * r\n```\n"
SAME = "```python\ndef area(r):\n    return 3 * r * r\n```\n"


class Asker:
    """Asks on one scripted model and keeps what was told."""

    def __init__(self, model: ScriptedModel, store: Store | None = None) -> None:
        self.model = model
        self.store = store
        self.loop = ModelLoop()
        self.events: list[Event] = []
        self.cancel = CancelToken()
        self.symbols: list[Symbol] = []
        self.heard = threading.Event()
        self.number = 0
        self.profile = PROFILES["small"]
        self.record = TrackRecord()

    def __call__(
        self, instruction: str = "fix it", text: str = TEXT, thread: str = "t", **values: Any
    ) -> AskResult:
        self.number += 1
        self.cancel = CancelToken()
        values = {"first": 1, "last": 2, **values} if "cursor" not in values else values
        request = AskRequest(
            run=str(self.number),
            instruction=instruction,
            text=text,
            filetype="python",
            path=Path("a.py"),
            **values,
        )
        never = CancelToken()
        ports = Ports(
            request=request,
            model=self.model,
            info=self.loop.run(self.model.info(), never),
            counter=self.loop.run(self.model.counter(), never),
            loop=self.loop,
            cancel=self.cancel,
            symbols=lambda _text, _first, _last: self.symbols,
            profile=self.profile,
            record=self.record,
        )
        return ask(ports, self.store, thread, self.listen)

    def listen(self, event: Event) -> None:
        self.events.append(event)
        if event["kind"] == "text":
            self.heard.set()

    def nodes(self) -> list[str]:
        return [event["node"] for event in self.events if event["kind"] == "node"]

    def notices(self) -> list[str]:
        return [event["text"] for event in self.events if event["kind"] == "notice"]

    def last_prompt(self) -> str:
        return "\n".join(message.content for message in self.model.prompts[-1])


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Asker] = []

    def build(*replies: str, store: Store | None = None, **options: Any) -> Asker:
        made.append(Asker(ScriptedModel(*replies, **options), store))
        return made[-1]

    yield build
    for asker in made:
        asker.loop.close()


def test_a_selection_is_rewritten_and_nothing_else(make: Any) -> None:
    asker = make(GOOD)
    result = asker()
    assert result["route"] == "rewrite"
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")
    assert result["score"] == 1.0
    assert asker.nodes() == ["planner", "executor", "reviewer", "formatter"]


def test_the_reply_streams_while_it_is_written(make: Any) -> None:
    asker = make(GOOD)
    asker()
    assert "".join(event["text"] for event in asker.events if event["kind"] == "text") == GOOD


def test_every_call_is_accounted_for(make: Any) -> None:
    result = make(GOOD)()
    assert [call["node"] for call in result["calls"]] == ["executor"]
    assert result["calls"][0]["generated_tokens"] > 0
    assert result["stats"]["tokens"] == result["calls"][0]["generated_tokens"]


def test_broken_code_is_sent_back_with_the_error(make: Any) -> None:
    asker = make(BROKEN, GOOD)
    result = asker()
    assert result["iterations"] == 2
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")
    prompt = asker.model.prompts[1]
    assert [message.role for message in prompt] == ["system", "user", "assistant", "user"]
    assert prompt[:2] == asker.model.prompts[0]
    assert asker.model.samplings[0].temperature == 0
    assert asker.model.samplings[1].temperature > 0


def test_the_best_attempt_wins_not_the_last(make: Any) -> None:
    renamed = "```python\ndef area(r):\n    return 5 * undefined_thing\n```\n"
    result = make(renamed, BROKEN, BROKEN)()
    assert result["iterations"] == 3
    assert "5 * undefined_thing" in apply(TEXT, result["edits"])


def test_code_that_comes_back_unchanged_is_told(make: Any) -> None:
    with pytest.raises(ModelOutputInvalidError, match="unchanged") as caught:
        make(SAME, SAME, SAME)()
    assert caught.value.partial == SAME


def test_a_reply_without_code_is_kept_and_told(make: Any) -> None:
    with pytest.raises(ModelOutputInvalidError, match="no code") as caught:
        make("I cannot do that.", "Sorry.", "No.")()
    assert caught.value.partial == "No."


def test_a_question_gets_words_and_no_edits(make: Any) -> None:
    result = make("It squares the radius.")("explain this")
    assert result["route"] == "answer"
    assert result["answer"] == "It squares the radius."
    assert result["edits"] == []


def test_an_empty_answer_is_an_error(make: Any) -> None:
    with pytest.raises(ModelOutputInvalidError, match="nothing"):
        make("<think>hm</think>  ", repeat_last=True)("explain this")


LOOP = "```python\ndef area(r):\n" + "    total = total + radius * factor\n" * 200


def test_a_reply_that_goes_round_in_circles_is_stopped_and_asked_for_again(make: Any) -> None:
    asker = make(LOOP, GOOD)
    result = asker()
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")
    assert result["iterations"] == 2
    written = "".join(
        event["text"] for event in asker.events if event.get("attempt") == 1 and "text" in event
    )
    assert len(written) < len(LOOP) / 2
    assert result["calls"][0]["generated_tokens"] > 0
    first, second = asker.model.samplings
    assert (first.temperature, first.repeat_penalty) == (0.0, 1.0)
    assert second.temperature > 0.5
    assert second.repeat_penalty > 1.0
    assert asker.model.prompts[1] == asker.model.prompts[0], "a loop is not shown to the model again"
    assert any("round in circles" in event["text"] for event in asker.events if event["kind"] == "notice")


def test_what_follows_a_good_block_is_cut_off_and_the_block_taken(make: Any) -> None:
    result = make(GOOD + "This works because it works. " * 200)()
    assert result["iterations"] == 1
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")


def test_nothing_but_garbage_is_told_and_kept(make: Any) -> None:
    with pytest.raises(ModelOutputInvalidError, match="round in circles") as caught:
        make(LOOP, LOOP, LOOP)()
    assert caught.value.hint
    assert caught.value.partial.startswith("```python\ndef area(r):\n    total")


def test_a_refusal_is_asked_again_without_being_shown(make: Any) -> None:
    asker = make("I'm sorry, but I can't assist with that request.", GOOD)
    result = asker()
    assert result["iterations"] == 2
    assert asker.model.prompts[1] == asker.model.prompts[0]


def test_garbage_in_words_is_asked_for_again(make: Any) -> None:
    asker = make("The function computes the area. " * 100, "It squares the radius.")
    result = asker("explain this")
    assert result["answer"] == "It squares the radius."
    assert len(asker.model.prompts) == 2
    assert any("round in circles" in event["text"] for event in asker.events if event["kind"] == "notice")


def test_words_that_stay_garbage_are_an_error_with_what_was_written(make: Any) -> None:
    with pytest.raises(ModelOutputInvalidError, match="round in circles") as caught:
        make("The function computes the area. " * 100, repeat_last=True)("explain this")
    assert "computes the area" in caught.value.partial


def test_an_answer_that_was_cut_off_is_shown_and_told(make: Any) -> None:
    dice = random.Random(1)
    words = " ".join("".join(dice.choices("abdefgiklmnorstuw", k=6)) for _ in range(5000))
    asker = make(words)
    result = asker("explain this")
    assert words.startswith(result["answer"][:100])
    assert any("cut off" in event["text"] for event in asker.events if event["kind"] == "notice")


def test_an_empty_buffer_gets_an_insertion(make: Any) -> None:
    result = make("```python\nprint('hi')\n```")("say hi", text="", cursor=1)
    assert result["route"] == "insert"
    assert apply("", result["edits"]) == "print('hi')\n"


def test_new_code_leaves_all_that_is_there(make: Any) -> None:
    result = make("```python\ndef top(r):\n    return r\n```")("write a function top", cursor=1)
    text = apply(TEXT, result["edits"])
    assert text.replace("def top(r):\n    return r\n\n\n", "") == TEXT


def test_an_import_that_is_needed_is_a_hunk_of_its_own(make: Any) -> None:
    result = make("```python\nimport math\n\ndef area(r):\n    return math.pi * r * r\n```")()
    assert len(result["edits"]) == 2
    assert result["edits"][0]["newText"].startswith("import math")


def test_a_follow_up_works_on_the_proposal_and_edits_the_buffer(make: Any) -> None:
    proposed = TEXT.replace("3 * r * r", "4 * r * r")
    asker = make("```python\ndef area(r):\n    return 4 * r ** 2\n```")
    result = asker("use a power", text=proposed, base_text=TEXT)
    assert "4 * r * r" in asker.last_prompt()
    assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r ** 2")


def test_what_does_not_fit_is_refused_with_the_numbers(make: Any) -> None:
    text = "".join(f"x_{number} = {number}\n" for number in range(3000))
    with pytest.raises(ContextWindowExceededError, match="tokens"):
        make(GOOD, context_window=4096)(text=text, first=1, last=3000)


def test_what_is_left_out_is_named(make: Any) -> None:
    asker = make(GOOD)
    asker.symbols = [Symbol("a", "def a() -> None", "x" * 9, Path("b.py"), 1)] * 3000
    asker()
    [told] = [event for event in asker.events if event["kind"] == "prompt"]
    assert re.search(r"; cut: signatures by \d+", told["text"])
    assert not told["whole"]


def test_what_is_sent_is_told_in_one_line(make: Any) -> None:
    asker = make(GOOD)
    result = asker()
    [told] = [event for event in asker.events if event["kind"] == "prompt"]
    assert told["text"].startswith(f"Prompt: {result['calls'][0]['prompt_tokens']} of 8192 tokens: ")
    assert "block 20, instruction 45" in told["text"]
    assert told["whole"]


def test_the_window_is_raised_with_a_notice_where_the_code_needs_it(make: Any) -> None:
    asker = make("```python\nx = 1\n```", context_window=4096, widest=16384)
    text = "".join(f"x_{number} = {number}\n" for number in range(300))
    asker(text=text, first=1, last=300)
    notices = [event["text"] for event in asker.events if event["kind"] == "notice"]
    assert any("raised from 4096 to 16384 tokens" in notice for notice in notices)
    assert asker.model.samplings[0].max_tokens > 4096


def test_a_window_that_suffices_is_left_alone(make: Any) -> None:
    asker = make(GOOD, widest=16384)
    asker()
    assert not any("raised" in event["text"] for event in asker.events if event["kind"] == "notice")


def test_why_the_window_cannot_be_raised_is_told(make: Any) -> None:
    text = "".join(f"x_{number} = {number}\n" for number in range(300))
    with pytest.raises(ContextWindowExceededError, match=r"holds 4096\. It cannot be raised"):
        make(GOOD, context_window=4096)(text=text, first=1, last=300)


def test_two_asks_on_one_thread_share_the_history_and_nothing_else(make: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "checkpoints.db")
    asker = make(BROKEN, GOOD, "It squares the radius.", store=store)
    first = asker("fix it")
    second = asker("explain this")
    assert first["iterations"] == 2
    assert second["iterations"] == 1
    assert second["edits"] == []
    assert second["checks"] == []
    assert len(second["calls"]) == 1
    assert "- fix it (pending)" in asker.last_prompt()
    assert "4 * r" not in asker.last_prompt()
    store.close()


def test_what_became_of_a_proposal_is_remembered(make: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "checkpoints.db")
    asker = make(GOOD, GOOD, store=store)
    asker("fix it")
    record_outcome(store, "t", "1", applied=1, rejected=0, pending=0)
    asker("again")
    assert "- fix it (applied)" in asker.last_prompt()
    store.close()


def stop_when_heard(asker: Asker) -> threading.Thread:
    def stop() -> None:
        assert asker.heard.wait(10)
        asker.cancel.cancel()

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    return thread


def test_a_stop_keeps_what_was_written(make: Any) -> None:
    asker = make()
    asker.model.enqueue(GOOD, hang=True)
    stopper = stop_when_heard(asker)
    result = asker()
    stopper.join()
    assert result["stopped"]
    assert result["edits"] == []
    assert result["partial"]


def test_a_stop_while_a_second_attempt_runs_offers_the_first(make: Any) -> None:
    asker = make("```python\ndef area(r):\n    return 5 * undefined_thing\n```\n")
    asker.model.enqueue(GOOD, hang=True)

    def listen(event: Event) -> None:
        if event["kind"] == "text" and event["attempt"] == 2:
            asker.cancel.cancel()

    asker.listen = listen
    result = asker()
    assert result["stopped"]
    assert "5 * undefined_thing" in apply(TEXT, result["edits"])


def test_a_server_that_fails_on_a_retry_does_not_lose_the_first_attempt(make: Any) -> None:
    asker = make("```python\ndef area(r):\n    return 5 * undefined_thing\n```\n")
    asker.model.enqueue("", error=ModelAPIError("The server failed.", hint="Restart it."))
    result = asker()
    assert "5 * undefined_thing" in apply(TEXT, result["edits"])
    assert "The server failed." in result["warning"]


def test_a_server_that_fails_after_garbage_is_an_error_of_its_own(make: Any) -> None:
    asker = make("I'm sorry, but I can't assist with that request.")
    asker.model.enqueue("", error=ModelAPIError("The server failed.", hint="Restart it."))
    with pytest.raises(ModelAPIError, match="Restart it") as caught:
        asker()
    assert caught.value.partial.startswith("I'm sorry")


def test_a_server_that_fails_at_once_is_an_error(make: Any) -> None:
    asker = make()
    asker.model.enqueue("", error=ModelAPIError("The server failed.", hint="Restart it."))
    with pytest.raises(ModelAPIError, match="Restart it"):
        asker()


@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_are_kept(make: Any, newline: str, ending: str) -> None:
    text = TEXT.rstrip("\n").replace("\n", newline) + ending.replace("\n", newline)
    result = make("```python\ndef side(r):\n    return 20 * r\n```")(text=text, first=5, last=6)
    assert apply(text, result["edits"]) == text.replace("2 * r", "20 * r")


def test_an_answer_is_not_lost_where_its_conversation_cannot_be_saved(make: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "checkpoints.db")
    store.saver.conn.execute("PRAGMA busy_timeout = 50")
    asker = make(GOOD, GOOD, store=store)
    assert asker()["warning"] == ""
    other = sqlite3.connect(store.path)
    other.execute("BEGIN IMMEDIATE")
    try:
        result = asker()
        with pytest.raises(ConversationError, match="cannot be used: database is locked"):
            store.new_thread("a.py")
    finally:
        other.close()
        store.close()
    assert apply(TEXT, result["edits"]) != TEXT
    assert "not remembered" in result["warning"]
    assert "database is locked" in result["warning"]
