"""The settings that reach the Python side: which backend and model answer, and where.

The editor's own settings (keys, windows) stay in ``lua/vivek/config.lua``; this is the part of them that a run needs,
and the same that the command line offers as options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from vivek.errors import ConfigError

Backend = Literal["auto", "ollama", "embedded", "openai", "scripted"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


@dataclass(frozen=True)
class Settings:
    """Which model answers. `url` is a server's address; None stands for the backend's usual one."""

    backend: Backend = "auto"
    model: str | None = None
    url: str | None = None


def settings(values: Mapping[str, object]) -> Settings:
    """Settings from plain values, as Lua or the command line sends them.

    Raises ConfigError for a backend that does not exist or a value that is not text.
    """
    wanted = values.get("backend") or "auto"
    for backend in BACKENDS:
        if wanted == backend:
            return Settings(backend, _text(values, "model"), _text(values, "url"))
    raise ConfigError(f"There is no backend {wanted!r}.", hint=f"Choose one of {', '.join(BACKENDS)}.")


def _text(values: Mapping[str, object], key: str) -> str | None:
    value = values.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigError(f"The setting {key!r} must be text, not {value!r}.", hint="See :help vivek-config.")
    return value
