"""Two arms beside each other on the same tasks: is one better, and by how much.

Exact McNemar for the first question, a cluster bootstrap for the second. Attempts at one task, in other words or with
other seeds, stay together: they are one cluster.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from vivek.bench.result import Result

SAMPLES = 10_000
_SEED = 0


@dataclass(frozen=True)
class Comparison:
    """What an arm gains over a base. pairs: attempts that both made; tasks: clusters of them.

    wins, losses: what the arm alone solved, and the base alone. difference: of the shares solved, with its 95 %
    interval low..high. p: two-sided, exact.
    """

    arm: str
    base: str
    pairs: int
    tasks: int
    wins: int
    losses: int
    difference: float
    low: float
    high: float
    p: float


def compare(base: Sequence[Result], arm: Sequence[Result]) -> Comparison | None:
    """The arm against the base, on what both were given and could run; None where that is nothing."""
    known = {_key(each): each for each in base if each["status"] != "skipped"}
    clusters: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for each in arm:
        other = known.get(_key(each))
        if other is not None and each["status"] != "skipped":
            clusters[each["cluster"]].append((other["status"] == "pass", each["status"] == "pass"))
    pairs = [pair for cluster in clusters.values() for pair in cluster]
    if not pairs:
        return None
    wins, losses = sum(new > old for old, new in pairs), sum(old > new for old, new in pairs)
    low, high = interval([clusters[name] for name in sorted(clusters)])
    return Comparison(
        arm[0]["arm"],
        base[0]["arm"],
        len(pairs),
        len(clusters),
        wins,
        losses,
        _difference(pairs),
        low,
        high,
        mcnemar(wins, losses),
    )


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p of McNemar's test: how likely a split at least as uneven is by chance.

    >>> mcnemar(0, 0), mcnemar(5, 0), round(mcnemar(9, 1), 4)
    (1.0, 0.0625, 0.0215)
    """
    total = wins + losses
    tail = sum(math.comb(total, each) for each in range(min(wins, losses) + 1))
    return float(min(1.0, 2 * tail / 2**total))


def interval(clusters: Sequence[Sequence[tuple[bool, bool]]], samples: int = SAMPLES) -> tuple[float, float]:
    """The 95 % percentile interval of the difference, clusters drawn with replacement; the same for the same input."""
    dice = random.Random(_SEED)
    sums = [(sum(new - old for old, new in cluster), len(cluster)) for cluster in clusters]
    drawn = []
    for _ in range(samples):
        sample = dice.choices(sums, k=len(sums))
        drawn.append(sum(gain for gain, _ in sample) / sum(size for _, size in sample))
    drawn.sort()
    return drawn[int(samples * 0.025)], drawn[int(samples * 0.975)]


def _difference(pairs: Sequence[tuple[bool, bool]]) -> float:
    return sum(new - old for old, new in pairs) / len(pairs)


def _key(result: Result) -> tuple[str, str, int]:
    return result["file"], result["task"], result["repeat"]
