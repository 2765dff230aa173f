"""How long a prompt will still be read: from the speed that was measured before, and from the server's own progress.

Prefill is what takes minutes on a CPU, and no server tells how long it will be. The speed of each model on each
backend is kept in the state folder, so that the first ask of a session has an estimate too. It is an estimate, never
shown as progress.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from vivek import paths
from vivek.llm.base import Message, Reading

WEIGHT = 0.3
"""How much the newest measurement counts in the moving average."""

FEW_TOKENS = 64
"""A prompt of which fewer tokens were read says nothing of the speed: a batch is 128."""

UNTOLD_CACHE = 2.0
"""Where the server does not tell what it had in its cache, a reading this many times faster than known ones came from
there."""

_KEPT = 50
"""Models whose speed is remembered."""

_log = logging.getLogger(__name__)


class Speeds:
    """Prefill speeds in tokens a second by backend and model digest, in one JSON file that all processes share."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def known(self, backend: str, model: str) -> float | None:
        """The speed that was measured for this model; None where none was."""
        speed = self._read().get(_key(backend, model))
        return float(speed) if isinstance(speed, int | float) and speed > 0 else None

    def learn(self, backend: str, model: str, tokens: int, seconds: float, *, exact: bool) -> None:
        """Note that so many tokens were read in that time.

        exact: whether these are the tokens that were really read. Where not, some may have come from a cache, which
        looks like speed: then a slower reading is believed at once, and a much faster one not at all.
        """
        if tokens < FEW_TOKENS or seconds <= 0:
            return
        measured, known = tokens / seconds, self.known(backend, model)
        if known is None or (not exact and measured * UNTOLD_CACHE < known):
            speed = measured
        elif not exact and measured > known * UNTOLD_CACHE:
            return
        else:
            speed = WEIGHT * measured + (1 - WEIGHT) * known
        self._write(_key(backend, model), speed)

    def _place(self) -> Path:
        return self._file or paths.state_dir() / "prefill-speed.json"

    def _read(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            content = json.loads(self._place().read_bytes())
            if isinstance(content, dict):
                return content
        return {}

    def _write(self, key: str, speed: float) -> None:
        """Where two processes write at once, one measurement is lost, which does not matter."""
        others = {name: value for name, value in self._read().items() if name != key}
        entries = [*list(others.items())[1 - _KEPT :], (key, round(speed, 2))]
        try:
            place = self._place()
            fresh = place.with_name(f"{place.name}.{uuid4().hex}")
            fresh.write_text(json.dumps(dict(entries), indent=1), encoding="utf-8")
            fresh.replace(place)
        except OSError as error:
            _log.info("The prefill speed could not be kept: %s", error)


def _key(backend: str, model: str) -> str:
    return f"{backend}:{model}"


def fresh_share(before: Sequence[Message], now: Sequence[Message]) -> float:
    """The share of a prompt, in [0, 1], that differs from the one before it, which the server has in its cache."""
    old, new = _flat(before), _flat(now)
    shared = next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    return 1 - shared / len(new) if new else 1.0


def _flat(messages: Sequence[Message]) -> str:
    return "".join(f"\0{message.role}\0{message.content}" for message in messages)


@dataclass(frozen=True)
class _Start:
    """Where reading began."""

    done: int
    at: float


class Countdown:
    """The seconds that the reading of one prompt still takes. Times are those of one monotonic clock, in seconds.

    speed: tokens a second, None where not known. share: of a prompt whose progress the server does not tell, how much
    it must read.
    """

    def __init__(self, speed: float | None, share: float = 1.0) -> None:
        self._speed = speed
        self._share = share
        self._start: _Start | None = None
        self._last: Reading | None = None
        self._last_at = 0.0

    @property
    def total(self) -> int:
        """Tokens of the whole prompt; 0 before the server named them."""
        return self._last.total if self._last else 0

    def heard(self, event: Reading, now: float) -> Reading:
        """The server's own event, with the estimate."""
        self._start = self._start or _Start(event.done, now)
        self._last, self._last_at = event, now
        return replace(event, seconds_left=self._left())

    def tick(self, now: float) -> Reading | None:
        """The last event with what is left by now; None where there is no estimate."""
        left = self._left()
        if self._last is None or left is None:
            return None
        return replace(self._last, seconds_left=max(0.0, left - (now - self._last_at)))

    def measured(self, now: float) -> tuple[int, float]:
        """Tokens that were read and the seconds that took, from the first event to now, when the first text came."""
        if self._start is None or self._last is None:
            return 0, 0.0
        if not self.live:
            return round(self._last.total * self._share), now - self._start.at
        return self._last.done - self._start.done, self._last_at - self._start.at

    @property
    def live(self) -> bool:
        """Whether the server told its progress."""
        return bool(self._start and self._last and self._last.done > self._start.done)

    def _left(self) -> float | None:
        if self._last is None or self._start is None:
            return None
        tokens, seconds = self._last.done - self._start.done, self._last_at - self._start.at
        speed = tokens / seconds if tokens >= FEW_TOKENS and seconds > 0 else self._speed
        if not speed:
            return None
        share = 1.0 if self._last.done else self._share
        return (self._last.total - self._last.done) * share / speed
