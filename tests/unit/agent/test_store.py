"""The conversations' database, also one that a stranger made."""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

import ormsgpack
import pytest

from vivek.agent.store import Store, plain_serializer


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = Store(tmp_path / "checkpoints.db")
    yield opened
    opened.close()


def test_a_file_has_one_thread_until_a_new_one_is_asked_for(store: Store) -> None:
    first = store.thread("a.py")
    assert store.thread("a.py") == first
    assert store.thread("b.py") != first
    second = store.new_thread("a.py")
    assert second != first
    assert store.thread("a.py") == second


@pytest.mark.parametrize("editors", [1, 2])
def test_asks_that_come_at_once_start_one_conversation(tmp_path: Path, editors: int) -> None:
    stores = [Store(tmp_path / "checkpoints.db") for _ in range(editors)]
    ready = threading.Barrier(8)
    found: list[tuple[str, str]] = []

    def ask(store: Store) -> None:
        for number in range(20):
            ready.wait(30)
            found.append((str(number), store.thread(f"{number}.py")))

    workers = [threading.Thread(target=ask, args=(stores[number % editors],)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 8 * 20
    assert len(set(found)) == 20
    for store in stores:
        store.close()


def test_the_current_thread_outlives_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "checkpoints.db")
    thread = store.new_thread("a.py")
    store.close()
    again = Store(tmp_path / "checkpoints.db")
    assert again.thread("a.py") == thread
    again.close()


def test_a_damaged_database_is_set_aside_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    path.write_bytes(b"this is no database, but somebody may want it" * 100)
    store = Store(path)
    assert store.thread("a.py")
    assert store.set_aside is not None
    assert store.set_aside.read_bytes().startswith(b"this is no database")
    store.close()


class _Touch:
    """What an attacker would put in a checkpoint: unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def _hostile_msgpack(marker: Path) -> bytes:
    """msgpack extensions that ask for ``os.mkdir(marker)``, in each of the ways the serializer once obeyed."""

    def packed(value: Any) -> bytes:
        return ormsgpack.packb(value)

    single = ormsgpack.Ext(0, packed(("os", "mkdir", str(marker))))
    positional = ormsgpack.Ext(1, packed(("os", "mkdir", (str(marker),))))
    keywords = ormsgpack.Ext(2, packed(("os", "mkdir", {"path": str(marker)})))
    method = ormsgpack.Ext(3, packed(("os", "mkdir", str(marker), "__call__")))
    return ormsgpack.packb({"channel_values": {"a": single, "b": positional, "c": keywords, "d": method}})


def _hostile_json(marker: Path) -> bytes:
    return b'{"lc": 2, "type": "constructor", "id": ["os", "mkdir"], "kwargs": {"path": "%s"}}' % os.fsencode(
        marker
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_hostile_checkpoint_runs_no_code(tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    serializer = plain_serializer()
    serializer.loads_typed(("msgpack", _hostile_msgpack(marker)))
    serializer.loads_typed(("json", _hostile_json(marker)))
    with pytest.raises(NotImplementedError):
        serializer.loads_typed(("pickle", pickle.dumps(_Touch(marker))))
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["msgpack", "json"])
def test_the_attack_would_work_on_a_trusting_serializer(tmp_path: Path, kind: str) -> None:
    """Else the test above could not fail."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    marker = tmp_path / "owned"
    trusting = JsonPlusSerializer(allowed_msgpack_modules=True, allowed_json_modules=True)
    payload = _hostile_msgpack(marker) if kind == "msgpack" else _hostile_json(marker)
    trusting.loads_typed((kind, payload))
    assert marker.exists()


def test_a_hostile_database_is_opened_and_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "owned"
    path = tmp_path / "checkpoints.db"
    store = Store(path)
    thread = store.thread("a.py")
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, type, checkpoint, metadata)"
            " VALUES (?, '', '1', 'msgpack', ?, '{}')",
            (thread, _hostile_msgpack(marker)),
        )
    connection.close()
    again = Store(path)
    again.saver.get_tuple({"configurable": {"thread_id": thread}})
    again.close()
    assert not marker.exists()
