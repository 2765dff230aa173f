"""Several runs about one conversation at once: each ends by itself, and none undoes what another left there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_ask import GOOD, TEXT, Asker

from vivek.agent.conversation import history, record_outcome
from vivek.agent.graph import build
from vivek.agent.run import AskResult
from vivek.agent.state import Event
from vivek.agent.store import Store
from vivek.edits.diff import apply
from vivek.errors import ModelAPIError
from vivek.llm.scripted import ScriptedModel


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "checkpoints.db")
    yield opened
    opened.close()


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """The same database as another editor has it open."""
    opened = Store(store.path)
    yield opened
    opened.close()


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Asker] = []

    def build(store: Store, *replies: str) -> Asker:
        made.append(Asker(ScriptedModel(*replies), store))
        made[-1].number = 10 * len(made)
        return made[-1]

    yield build
    for asker in made:
        asker.loop.close()


def meanwhile(asker: Asker, work: Callable[[], object]) -> None:
    """Do something, once, while the asker's model is writing."""

    def listen(event: Event) -> None:
        asker.events.append(event)
        if event["kind"] == "text" and not asker.heard.is_set():
            asker.heard.set()
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()

    asker.listen = listen  # type: ignore[method-assign]


def told(store: Store) -> list[tuple[str, str]]:
    return [(entry["instruction"], entry["outcome"]) for entry in history(store, "t")]


@pytest.mark.parametrize("editors", ["one", "two"])
def test_runs_that_overlap_are_both_remembered_in_the_order_in_which_they_ended(
    make: Any, store: Store, other: Store, editors: str
) -> None:
    slow, quick = make(store, GOOD), make(store if editors == "one" else other, GOOD, GOOD)
    ended: list[AskResult] = []
    meanwhile(slow, lambda: ended.append(quick("the quick one")))
    ended.append(slow("the slow one"))
    for result in ended:
        assert apply(TEXT, result["edits"]) == TEXT.replace("3 * r * r", "4 * r * r")
    assert told(store) == [("the quick one", "pending"), ("the slow one", "pending")]
    quick("a third")
    assert "- the quick one (pending)\n- the slow one (pending)\n" in quick.last_prompt()


def test_a_run_is_told_the_conversation_as_it_was_at_its_start(make: Any, store: Store) -> None:
    slow, quick = make(store, GOOD, "```python\ndef area(r)\n```", GOOD), make(store, GOOD)
    slow("an earlier one")
    slow.heard.clear()
    meanwhile(slow, lambda: quick("the quick one"))
    slow("the slow one")
    for prompt in slow.model.prompts[1:]:
        whole = "\n".join(message.content for message in prompt)
        assert "- an earlier one (pending)" in whole
        assert "the quick one" not in whole
    assert "- an earlier one (pending)" in quick.last_prompt()
    assert "the slow one" not in quick.last_prompt()


@pytest.mark.parametrize("editors", ["one", "two"])
def test_what_became_of_a_run_is_kept_while_another_is_at_work(
    make: Any, store: Store, other: Store, editors: str
) -> None:
    asker = make(store, GOOD, GOOD)
    asker("the first")
    recording = store if editors == "one" else other
    asker.heard.clear()
    meanwhile(asker, lambda: record_outcome(recording, "t", "11", applied=1, rejected=0, pending=0))
    asker("the second")
    assert told(store) == [("the first", "applied"), ("the second", "pending")]
    record_outcome(recording, "t", "12", applied=0, rejected=1, pending=0)
    assert told(store) == [("the first", "applied"), ("the second", "rejected")]


def test_the_stop_of_one_run_does_not_stop_the_other(make: Any, store: Store) -> None:
    slow, stopped = make(store, GOOD), make(store)
    stopped.model.enqueue(GOOD, hang=True)

    def stop() -> None:
        stopped.cancel.cancel()  # the run's own, which is made when it begins

    meanwhile(stopped, stop)
    meanwhile(slow, lambda: stopped("the stopped one"))
    assert slow("the slow one")["edits"]
    assert told(store) == [("the stopped one", "stopped"), ("the slow one", "pending")]


def test_a_run_that_fails_leaves_the_others_entries(make: Any, store: Store) -> None:
    failing, quick = make(store), make(store, GOOD)
    failing.model.enqueue(GOOD, error=ModelAPIError("The server failed."), after=20)
    meanwhile(failing, lambda: quick("the quick one"))
    with pytest.raises(ModelAPIError):
        failing("the failing one")
    assert told(store) == [("the quick one", "pending")]


def test_the_threads_checkpoint_is_the_state_in_which_the_last_run_ended(make: Any, store: Store) -> None:
    make(store, GOOD)("the first")
    saved = store.saver.get_tuple({"configurable": {"thread_id": "t"}})
    assert saved is not None
    values = saved.checkpoint["channel_values"]
    assert (values["run"], values["attempts"][0]["reply"]) == ("11", GOOD)


def test_many_runs_that_end_at_once_are_all_remembered(make: Any, store: Store, other: Store) -> None:
    count = 6
    ready = threading.Barrier(count)

    def listen(event: Event) -> None:
        if event["kind"] == "node" and event["node"] == "formatter":
            ready.wait(60)

    askers = [make(store if number % 2 else other, GOOD) for number in range(count)]
    workers = []
    for number, asker in enumerate(askers):
        asker.listen = listen
        workers.append(threading.Thread(target=asker, args=(f"ask {number}",)))
        workers[-1].start()
    for worker in workers:
        worker.join()
    assert sorted(told(store)) == [(f"ask {number}", "pending") for number in range(count)]


def test_nobody_writes_between_the_steps_in_which_a_run_is_remembered(make: Any, store: Store) -> None:
    asker = make(store, GOOD)
    asker("the first")
    rival = sqlite3.connect(store.path, timeout=0)
    with store.alone():
        build(store.saver).update_state(
            {"configurable": {"thread_id": "t"}}, {"history": []}, as_node="formatter"
        )
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            rival.execute("BEGIN IMMEDIATE")
    rival.execute("BEGIN IMMEDIATE")
    rival.close()


def test_an_outcome_of_a_run_that_is_not_known_is_no_entry(make: Any, store: Store) -> None:
    make(store, GOOD)("the first")
    record_outcome(store, "t", "another", applied=1, rejected=0, pending=0)
    record_outcome(store, "an empty one", "11", applied=1, rejected=0, pending=0)
    assert told(store) == [("the first", "pending")]
    assert history(store, "an empty one") == []
