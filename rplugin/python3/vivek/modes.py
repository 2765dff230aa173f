"""The modes that an ask can be worked on in, and how an instruction names one: ``@architect how to split this?``.

It knows names alone; what a mode means for the work is `vivek.agent.mode`'s matter.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Literal, get_args

from vivek.errors import RequestError

Mode = Literal["auto", "coder", "architect", "peer", "sdet"]
MODES: tuple[Mode, ...] = get_args(Mode)

_ADDRESS = re.compile(r"\s*@(?P<name>\w+)(?![\w(.])[:,]?(?:\s+|$)")


def mode_named(name: object) -> Mode:
    """The mode of a name; "auto" for none. Raises RequestError where there is no such mode."""
    if name in (None, ""):
        return "auto"
    for mode in MODES:
        if name == mode:
            return mode
    raise _unknown(str(name))


def addressed(instruction: str, otherwise: Mode) -> tuple[str, Mode]:
    """An instruction without the mode that it begins with, and that mode; else `otherwise`.

    Any other word after an ``@`` is the user's (a decorator, say), unless it is nearly a mode's name: then RequestError
    is raised.

    >>> addressed("@peer why a set?", "auto"), addressed("@property for both", "sdet")
    (('why a set?', 'peer'), ('@property for both', 'sdet'))
    """
    match = _ADDRESS.match(instruction)
    if match is None:
        return instruction, otherwise
    name = match["name"]
    for mode in MODES:
        if name == mode:
            return instruction[match.end() :], mode
    if get_close_matches(name, MODES, 1, cutoff=0.75):
        raise _unknown(name)
    return instruction, otherwise


def _unknown(name: str) -> RequestError:
    near = get_close_matches(name, MODES, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(MODES)}."
    return RequestError(f"There is no mode {name!r}.", hint=hint)
