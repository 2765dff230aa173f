"""How each size of model is asked: sampling, attempts, and whether its own plans and verdicts are worth a call.

The three profiles are data, chosen by a model's size; a user's overrides, by name or glob, go over them. It asks no
model and knows nothing of the graph that reads a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vivek.errors import ConfigError
from vivek.llm.base import ModelInfo
from vivek.llm.weights import parameters_in

Size = Literal["small", "medium", "large"]

MEDIUM_PARAMETERS = 5e9
"""From here on a model is `medium`: what is measured of small models was measured on 0.5B to 3B."""

LARGE_PARAMETERS = 15e9
"""From here on a model is `large`; what is called a 14B has up to 14.8e9."""

MOST_ITERATIONS = 3
"""No override asks for more attempts: seven repair loops mended one task in twenty (measured on a 1.5B)."""


@dataclass(frozen=True)
class Profile:
    """How a model is asked.

    name: the profile that it is or was made from. temperature: of the first attempt. retry_temperature: of a later
    one; a greedy retry tends to repeat itself, and 0.4 to 0.7 is the usual range. top_p: 0.95 is llama.cpp's
    default and does nothing at temperature 0. repeat_penalty: 1.0 is none, because code must be copied. iterations:
    attempts in all. plan: the model is asked what an instruction means where its words settle nothing. verdict: the
    model is asked what it thinks of an edit that passed the checks. plain: the shortest task, and no context beyond the
    code and its diagnostics.
    """

    name: Size = "small"
    temperature: float = 0.0
    retry_temperature: float = 0.5
    top_p: float = 0.95
    repeat_penalty: float = 1.0
    iterations: int = 3
    plan: bool = False
    verdict: bool = False
    plain: bool = False


PROFILES: Mapping[Size, Profile] = {
    "small": Profile("small"),
    "medium": Profile("medium", plan=True),
    "large": Profile("large", plan=True, verdict=True),
}
"""A small model's plan costs accuracy (a 1.5B lost 15 points to a chain of thought, ACL 2026), and its verdict on 80
functions was bias of wording alone (measured); so it is asked for neither. A medium one is asked to choose a kind of
work, an enum, and no more."""


class _Override(BaseModel):
    """What a user may set for the models that a pattern names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    base: Size | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    retry_temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    repeat_penalty: float | None = Field(None, gt=0, le=2)
    iterations: int | None = Field(None, ge=1, le=MOST_ITERATIONS)
    plan: bool | None = None
    verdict: bool | None = None
    plain: bool | None = None


class Profiles:
    """The profiles under a user's overrides.

    overrides: by model name or glob, in `fnmatch`'s syntax, upper and lower case alike, a table of fields each. Raises
    ConfigError, which names what is wrong and what is nearest to it, also for a pattern that no model has.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, object]]) -> None:
        checked = [(pattern.lower(), _checked(pattern, fields)) for pattern, fields in overrides.items()]
        self._overrides = sorted(checked, key=lambda item: _exactness(item[0]))

    def of(self, info: ModelInfo) -> Profile:
        """The profile of a model.

        Its size chooses it (where it is not known, the size in its name; where there is none, `small`). All patterns
        that match its name then count, field by field: of two that set the same field the more exact one wins, which
        is a whole name before a glob, then the pattern with more characters that are no wildcard, then the
        alphabetically later one.
        """
        fields: dict[str, Any] = {}
        for pattern, override in self._overrides:
            if _matches(pattern, info.name):
                fields |= override
        base = fields.pop("base", None) or size_of(info)
        return replace(PROFILES[base], **fields)


def size_of(info: ModelInfo) -> Size:
    """The profile that a model's number of parameters chooses.

    >>> size_of(ModelInfo("codellama:13b", "ollama", "", 8192)), size_of(ModelInfo("mine", "ollama", "", 8192))
    ('medium', 'small')
    """
    parameters = info.parameters or parameters_in(info.name) or 0.0
    if parameters < MEDIUM_PARAMETERS:
        return "small"
    return "medium" if parameters < LARGE_PARAMETERS else "large"


def _matches(pattern: str, name: str) -> bool:
    name = name.lower()
    return fnmatchcase(name, pattern) or fnmatchcase(name.removesuffix(":latest"), pattern)


def _exactness(pattern: str) -> tuple[bool, int, str]:
    wild = sum(pattern.count(character) for character in "*?[")
    return wild == 0, len(pattern) - wild, pattern


def _checked(pattern: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields that are set. Raises ConfigError."""
    try:
        return _Override.model_validate(dict(fields)).model_dump(exclude_none=True)
    except ValidationError as error:
        fault = error.errors()[0]
        raise _config_error(pattern, str(fault["loc"][0]), fault["type"], fault["msg"]) from error


def _config_error(pattern: str, key: str, kind: str, message: str) -> ConfigError:
    names = list(_Override.model_fields)
    if kind == "extra_forbidden":
        near = get_close_matches(key, names, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."
        return ConfigError(f"The profile of {pattern!r} has no field {key!r}.", hint=hint)
    hint = (
        f"Choose one of {', '.join(get_args(Size))}." if key == "base" else "See :help vivek-config-profiles."
    )
    return ConfigError(
        f"The profile of {pattern!r} has a wrong {key!r}: {message[:1].lower()}{message[1:]}.", hint=hint
    )
