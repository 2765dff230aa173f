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
        self._connection = sqlite3.connect(self.path, check_same_thread=False, timeout=_BUSY_SECONDS)
        self.saver = _Saver(self._connection, serde=plain_serializer())
        # One lock for all that use the connection, or one's rollback would take another's work along.
        self._lock = threading.RLock()
        self.saver.lock = self._lock  # type: ignore[assignment]
        self.saver.setup()
        with self._lock, self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vivek_conversations (path TEXT PRIMARY KEY, thread TEXT NOT NULL)"
            )

    def thread(self, path: str) -> str:
        """The id of a file's current conversation; the first ask of a file starts one, also where two come at once.

        Raises ConversationError.
        """
        with told(self.path), self._lock:
            return self._current(path) or self._first(path)

    def _current(self, path: str) -> str | None:
        row = self._connection.execute(
            "SELECT thread FROM vivek_conversations WHERE path = ?", (path,)
        ).fetchone()
        return str(row[0]) if row else None

    def _first(self, path: str) -> str:
        """A new conversation, or the one that another editor has started just now."""
        with self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO vivek_conversations VALUES (?, ?)", (path, _fresh(path))
            )
        return self._current(path) or self._first(path)

    def new_thread(self, path: str) -> str:
        """Start a fresh conversation for a file and return its id. The old one stays in the database.

        Raises ConversationError.
        """
        thread = _fresh(path)
        with told(self.path), self._lock, self._connection:
            self._connection.execute(
                "INSERT INTO vivek_conversations VALUES (?, ?)"
                " ON CONFLICT (path) DO UPDATE SET thread = excluded.thread",
                (path, thread),
            )
        return thread

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A block that reads the database and then writes it once, while no other thread or process writes it.

        Raises sqlite3.OperationalError where another process holds it for too long.
        """
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            self.saver.is_held = True
            try:
                yield
            finally:
                self.saver.is_held = False

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()


class _Saver(SqliteSaver):
    """The saver, whose writes are one transaction while the store is held.

    LangGraph writes a checkpoint in two steps and commits each: between them another process would read the old state,
    and then write it back over what came first.
    """

    is_held = False

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """As the saver's own; while the store is held, it commits at the end."""
        with super().cursor(transaction and not self.is_held) as cursor:
            yield cursor


def _fresh(path: str) -> str:
    return f"{path}#{uuid.uuid4().hex[:8]}"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the database's errors inside the block into ConversationErrors."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConversationError(
            f"The conversations in {path} cannot be used: {error}.",
            hint="See whether another program holds the file, and whether the disk is full.",
        ) from error


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
