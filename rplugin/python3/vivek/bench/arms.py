"""The arms: the ways to have a task done that are measured beside each other.

Each is named here, with all that tells it from the others. An ablation only switches off a part that is shipped, by
the settings that a user has. How an arm asks is in `plain` and `asking`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from vivek.errors import RequestError


@dataclass(frozen=True)
class Plain:
    """The model alone: one call with the whole file. samples: how many, the best of which the hidden tests choose.

    temperature: None for the run's own.
    """

    samples: int = 1
    temperature: float | None = None


@dataclass(frozen=True)
class Vivek:
    """``vivek ask FILE INSTRUCTION``. profile: fields of the model's profile that are set for this arm."""

    run_examples: bool = False
    test: bool = False
    profile: Mapping[str, object] = field(default_factory=dict)


Arm = Plain | Vivek

ARMS: Mapping[str, Arm] = {
    "raw": Plain(),
    "raw-oracle-4": Plain(samples=4, temperature=0.7),
    "vivek": Vivek(),
    "vivek --run-examples": Vivek(run_examples=True),
    "vivek --test": Vivek(test=True),
    "vivek without repair": Vivek(profile={"iterations": 1}),
    "vivek without surroundings": Vivek(profile={"plain": True}),
}
DEFAULT = ("raw", "vivek")


def named(names: str) -> list[str]:
    """The arms of a list that is separated by commas; `vivek-test` is ``vivek --test``. Raises RequestError."""
    known = {_plain(name): name for name in ARMS}
    found: list[str] = []
    for name in filter(None, (_plain(part) for part in names.split(","))):
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise RequestError(f"There is no arm {name!r}.", hint=hint)
        if known[name] not in found:
            found.append(known[name])
    if not found:
        raise RequestError("No arm is named.", hint=f"There are: {', '.join(known)}.")
    return found


def _plain(name: str) -> str:
    return "-".join(name.replace("--", " ").split())
