"""How well a score ranks, and how far a share or a rank can be off: plain arithmetic on labelled scores.

Intervals of ranks are percentile bootstraps in which twins stay together; those of shares are Wilson's.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SAMPLES = 1000
_SEED = 0
_Z = 1.959963984540054
"""Of 95 %."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; all None where there is nothing to tell it from."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Clustered(Generic[T]):
    """Something that belongs to a cluster."""

    cluster: str
    item: T


def auc(scores: Sequence[tuple[float, bool]]) -> float | None:
    """The chance that one with the label has the higher score than one without; a draw is half. None without both.

    >>> auc([(0.9, True), (0.8, False), (0.1, False)]), auc([(1.0, True)])
    (1.0, None)
    """
    ordered = sorted(scores, key=lambda each: each[0])
    positives = sum(label for _, label in ordered)
    negatives = len(ordered) - positives
    if not positives or not negatives:
        return None
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        middle = (start + 1 + end) / 2
        ranks += middle * sum(label for _, label in ordered[start:end])
        start = end
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def balanced(alarms: Sequence[tuple[bool, bool]]) -> float | None:
    """The mean of the share of bugs that alarm and that of the others which do not. (alarm, bug) each.

    >>> balanced([(True, True), (False, True), (False, False)])
    0.75
    """
    bugs = [alarm for alarm, bug in alarms if bug]
    others = [alarm for alarm, bug in alarms if not bug]
    if not bugs or not others:
        return None
    return (sum(bugs) / len(bugs) + 1 - sum(others) / len(others)) / 2


def share(count: int, of: int) -> Estimate:
    """A share with Wilson's interval.

    >>> share(0, 300).high < 0.013
    True
    """
    if not of:
        return Estimate(None, None, None)
    part, spread = count / of, _Z * _Z / of
    middle = part + spread / 2
    around = _Z * math.sqrt(part * (1 - part) / of + spread / of / 4)
    low, high = (middle - around) / (1 + spread), (middle + around) / (1 + spread)
    # Rounding may bring an end past the share itself, where that is 0 or 1.
    return Estimate(part, min(max(low, 0.0), part), max(min(high, 1.0), part))


def estimated(
    items: Sequence[Clustered[T]], figure: Callable[[Sequence[T]], float | None], samples: int = SAMPLES
) -> Estimate:
    """A figure of items, with the interval of drawing their clusters anew; the same for the same input."""
    value = figure([each.item for each in items])
    if value is None:
        return Estimate(None, None, None)
    clusters: dict[str, list[T]] = defaultdict(list)
    for each in items:
        clusters[each.cluster].append(each.item)
    groups, dice = [clusters[name] for name in sorted(clusters)], random.Random(_SEED)
    drawn = []
    for _ in range(samples):
        sample = [item for group in dice.choices(groups, k=len(groups)) for item in group]
        if (found := figure(sample)) is not None:
            drawn.append(found)
    drawn.sort()
    return (
        Estimate(value, drawn[int(len(drawn) * 0.025)], drawn[int(len(drawn) * 0.975)])
        if drawn
        else Estimate(value, None, None)
    )
