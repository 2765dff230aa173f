"""The settings that reach the Python side: which backend and model answer, where, and what they are told.

The editor's own settings (keys, windows) stay in ``lua/vivek/config.lua``; this is the part of them that a run needs,
and the same that the command line offers as options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

from vivek.errors import ConfigError

Backend = Literal["auto", "ollama", "embedded", "openai", "scripted"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

HistoryStrategy = Literal["recent", "summary", "selective"]
HISTORY_STRATEGIES: tuple[HistoryStrategy, ...] = get_args(HistoryStrategy)

SMALLEST_WINDOW = 2048
"""Tokens; in less there is no room for a function, its rewrite and the instruction."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """Which model answers, how it is asked, and what it is told of earlier requests.

    url: a server's address; None stands for the backend's usual one. profiles: overrides by model name or glob, a table
    of fields each, as `vivek.llm.profiles` checks them. history: `recent` is the default because it only grows at its
    end, so what a server has read of it stays in its cache; `summary` and `selective` say it anew. window: tokens of
    the context window that a model is loaded with, None for what fits in memory.
    """

    backend: Backend = "auto"
    model: str | None = None
    url: str | None = None
    history: HistoryStrategy = "recent"
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    window: int | None = None


def settings(values: Mapping[str, object]) -> Settings:
    """Settings from plain values, as Lua or the command line sends them.

    Raises ConfigError for a backend or a strategy that does not exist, or a value that is not text.
    """
    backend = _one_of(BACKENDS, values.get("backend") or "auto", "backend")
    history = _one_of(HISTORY_STRATEGIES, values.get("history") or "recent", "strategy for the history")
    model, url, profiles = _text(values, "model"), _text(values, "url"), _tables(values, "profiles")
    return Settings(backend, model, url, history, profiles, _window(values.get("window")))


def _window(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and value == int(value) >= SMALLEST_WINDOW:
        return int(value)
    raise ConfigError(
        f"A context window of {value!r} tokens cannot be had.",
        hint=f"Give a number from {SMALLEST_WINDOW} on.",
    )


def _one_of(choices: tuple[_T, ...], wanted: object, what: str) -> _T:
    for choice in choices:
        if wanted == choice:
            return choice
    raise ConfigError(
        f"There is no {what} {wanted!r}.", hint=f"Choose one of {', '.join(map(str, choices))}."
    )


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
