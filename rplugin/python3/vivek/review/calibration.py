"""From what was measured of a block to how likely it has a bug, by coefficients that were fitted to labelled pairs.

The coefficients are in `calibration.json`, with the command that made them and what they were measured on: as many
functions with a bug as without. The log-odds of a bug are a sum over what is known; what is missing adds nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

DOUBT = "doubt"
"""How much the model doubts the block, in nats: see `doubt.Doubt`."""

STATIC = "static"
"""How many errors and warnings the static tools have in the block."""

EXAMPLES_PASSED = "examples passed"
EXAMPLES_FAILED = "examples failed"
"""How many of the block's own examples ran so."""

LINES = "lines"
"""Lines of the block. Of two blocks the longer is not the worse one: it has no coefficient."""

DATA = "calibration.json"


@dataclass(frozen=True)
class Coefficients:
    """What `calibrated` goes by.

    weights: of each feature. doubt_mean, doubt_scale: of its feature, on what they were fitted to. shown_from: the
    suspicion from which on false alarms were rare among them.
    """

    intercept: float
    weights: Mapping[str, float]
    doubt_mean: float
    doubt_scale: float
    shown_from: float


def features(signals: Mapping[str, float]) -> dict[str, float]:
    """What of the signals is weighed: of the doubt its logarithm, of the others whether there are any.

    >>> features({"doubt": 0.0, "examples passed": 2.0, "examples failed": 0.0, "lines": 9.0})
    {'doubt': 0.0, 'passed': 1.0}
    """
    failed, passed = signals.get(EXAMPLES_FAILED, 0.0), signals.get(EXAMPLES_PASSED, 0.0)
    truths = {
        "static": signals.get(STATIC, 0.0) > 0,
        "failed": failed > 0,
        "passed": passed > 0 and failed == 0,
    }
    doubted = {DOUBT: math.log1p(max(signals[DOUBT], 0.0))} if DOUBT in signals else {}
    return {**doubted, **{name: 1.0 for name, there in truths.items() if there}}


def suspicion(signals: Mapping[str, float], by: Coefficients) -> float:
    """The probability that the block has a bug, 0 to 1, by given coefficients."""
    weighed = features(signals)
    if DOUBT in weighed:
        weighed[DOUBT] = (weighed[DOUBT] - by.doubt_mean) / by.doubt_scale
    odds = by.intercept + sum(by.weights.get(name, 0.0) * value for name, value in weighed.items())
    return _logistic(odds)


def calibrated(signals: Mapping[str, float]) -> float:
    """The probability that the block has a bug, 0 to 1. signals: by the names above; any may be missing."""
    return suspicion(signals, coefficients())


@cache
def coefficients() -> Coefficients:
    """Those that come with Vivek."""
    return Coefficients(**content()["coefficients"])


def content() -> dict[str, Any]:
    """The coefficients' file: they, and how they were made."""
    text = resources.files(__package__).joinpath(DATA).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _logistic(odds: float) -> float:
    """Without an overflow at either end."""
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


SHOWN_FROM = coefficients().shown_from
"""A finding of the model below this confidence is folded away."""
