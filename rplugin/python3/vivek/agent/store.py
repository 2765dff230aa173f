"""Where conversations are kept: LangGraph's SQLite checkpoints, and which thread is a file's current one.

The database may come with a cloned repository, so it is read with a serializer that makes plain data only. A database
that is damaged is set aside, never deleted.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from vivek.errors import ConversationError

_BUSY_SECONDS = 5.0
"""How long one editor waits for another that writes to the same database."""


class Store:
    """The conversations of one project (one SQLite file). Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open the database, or make it. A file that is no database is renamed to `<name>.broken-<time>`.

        set_aside: where such a file went, else None. Raises sqlite3.OperationalError where the folder is not writable.
        """
        self.path = path
        self.set_aside: Path | None = None
        try:
            self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._connection.close()
            self.set_aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
            path.rename(self.set_aside)
            self._open()

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(self.path, check_same_thread=False, timeout=_BUSY_SECONDS)
        self.saver = _Saver(self._connection, serde=plain_serializer())
        self.saver.setup()
        with self._lock, self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vivek_conversations (path TEXT PRIMARY KEY, thread TEXT NOT NULL)"
            )

    def thread(self, path: str) -> str:
        """The id of a file's current conversation; the first ask of a file starts one. Raises ConversationError."""
        with told(self.path), self._lock:
            row = self._connection.execute(
                "SELECT thread FROM vivek_conversations WHERE path = ?", (path,)
            ).fetchone()
        return str(row[0]) if row else self.new_thread(path)

    def new_thread(self, path: str) -> str:
        """Start a fresh conversation for a file and return its id. The old one stays in the database.

        Raises ConversationError.
        """
        thread = f"{path}#{uuid.uuid4().hex[:8]}"
        with told(self.path), self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO vivek_conversations VALUES (?, ?)"
                " ON CONFLICT (path) DO UPDATE SET thread = excluded.thread",
                (path, thread),
            )
        return thread

    def unsaved(self, thread: str) -> ConversationError | None:
        """Why a conversation's last checkpoint could not be written; None where it was. It is told once."""
        error = self.saver.failed.pop(thread, None)
        return _failure(self.path, error) if error else None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the database's errors inside the block into ConversationErrors."""
    try:
        yield
    except sqlite3.Error as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: sqlite3.Error) -> ConversationError:
    return ConversationError(
        f"The conversations in {path} cannot be used: {error}.",
        hint="See whether another program holds the file, and whether the disk is full.",
    )


class _Saver(SqliteSaver):
    """A saver whose writing does not fail a run, for what the model has answered would be lost with it.

    failed: what went wrong, by thread.
    """

    def __init__(self, connection: sqlite3.Connection, *, serde: JsonPlusSerializer) -> None:
        super().__init__(connection, serde=serde)
        self.failed: dict[str, sqlite3.Error] = {}

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        try:
            return super().put(config, checkpoint, metadata, new_versions)
        except sqlite3.Error as error:
            self.failed[config["configurable"]["thread_id"]] = error
            return config


def plain_serializer() -> JsonPlusSerializer:
    """A serializer that reads plain data and imports nothing that a checkpoint names (CVE-2026-28277).

    Anything else in a checkpoint comes back as the plain values it was made of.
    """
    options: dict[str, Any] = {
        "pickle_fallback": False,
        "allowed_msgpack_modules": None,
        "allowed_json_modules": None,
    }
    return JsonPlusSerializer(**options)
