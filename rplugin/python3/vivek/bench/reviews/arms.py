"""The ways to review that are measured beside each other; each only switches on a part that is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vivek.errors import RequestError


@dataclass(frozen=True)
class Arm:
    """Whether a model is asked, and whether the docstring's examples are run."""

    model: bool
    examples: bool


ARMS: Mapping[str, Arm] = {
    "static": Arm(model=False, examples=False),
    "examples": Arm(model=False, examples=True),
    "model": Arm(model=True, examples=False),
    "run-examples": Arm(model=True, examples=True),
}
DEFAULT = ("static", "model", "run-examples")


def named(names: str) -> list[str]:
    """The arms of a list that is separated by commas. Raises RequestError."""
    found = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    strange = [name for name in found if name not in ARMS]
    if strange or not found:
        what = f"There is no arm {strange[0]!r}." if strange else "No arm is named."
        raise RequestError(what, hint=f"Reviews have: {', '.join(ARMS)}.")
    return found
