"""The settings that reach the Python side: which backend and model answer, and where.

The editor's own settings (keys, windows) stay in ``lua/vivek/config.lua``; this is the part of them that a run needs,
and the same that the command line offers as options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from vivek.errors import ConfigError

Backend = Literal["auto", "ollama", "embedded", "openai", "scripted"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


@dataclass(frozen=True)
class Settings:
    """Which model answers. `url` is a server's address; None stands for the backend's usual one.

    profiles: overrides by model name or glob, a table of fields each, as `vivek.llm.profiles` checks them.
    """

    backend: Backend = "auto"
    model: str | None = None
    url: str | None = None
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def settings(values: Mapping[str, object]) -> Settings:
    """Settings from plain values, as Lua or the command line sends them.

    Raises ConfigError for a backend that does not exist or a value that is not text.
    """
    wanted = values.get("backend") or "auto"
    for backend in BACKENDS:
        if wanted == backend:
            return Settings(
                backend, _text(values, "model"), _text(values, "url"), _tables(values, "profiles")
            )
    raise ConfigError(f"There is no backend {wanted!r}.", hint=f"Choose one of {', '.join(BACKENDS)}.")


def _tables(values: Mapping[str, object], key: str) -> dict[str, dict[str, object]]:
    """A table of tables. An empty Lua table arrives as an empty list."""
    tables = values.get(key) or {}
    if isinstance(tables, Mapping):
        filled = {str(name): table or {} for name, table in tables.items()}
        if all(isinstance(table, Mapping) for table in filled.values()):
            return {
                name: {str(field): value for field, value in table.items()} for name, table in filled.items()
            }
    raise ConfigError(
        f"The setting {key!r} must be a table of tables, not {tables!r}.", hint="See :help vivek-config."
    )


def _text(values: Mapping[str, object], key: str) -> str | None:
    value = values.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigError(f"The setting {key!r} must be text, not {value!r}.", hint="See :help vivek-config.")
    return value
