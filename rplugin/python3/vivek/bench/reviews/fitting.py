"""Fits the coefficients of `vivek.review.calibration` to kept results of reviews, and says how good they are.

Logistic regression with a ridge, in plain Python: five numbers from a few hundred rows need no library. What it is
judged by comes from folds that it was not fitted to, in which twins stay together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vivek.bench.reviews.result import Judged
from vivek.review.calibration import DOUBT, Coefficients, features, suspicion

RIDGE = 0.1
"""Small: what hardly ever happens, as a static error in a function that looks right, should weigh all the same."""

FOLDS = 10
FALSE_ALARMS = 0.05
"""The share of right functions, none of them run, that may be suspected as much as `shown_from`."""

LEAST = 0.6
"""Nothing that is less likely than that is shown as fact, however rare false alarms are."""

_NAMES = (DOUBT, "static", "failed", "passed")
_STEPS = 50
_SEED = 0


@dataclass(frozen=True)
class Fit:
    """Coefficients, and what they say of each result when it was not among those they were fitted to."""

    coefficients: Coefficients
    suspicions: Sequence[float]


def fit(results: Sequence[Judged]) -> Fit:
    """The coefficients for results of arms that ask a model, and the cross-validated suspicions."""
    whole = _fitted(results)
    suspicions = cross_validated(results)
    return Fit(replace(whole, shown_from=_threshold(results, suspicions)), suspicions)


def cross_validated(results: Sequence[Judged]) -> list[float]:
    """The suspicion of each result by coefficients of the folds that it is not in."""
    clusters = sorted({each["cluster"] for each in results})
    random.Random(_SEED).shuffle(clusters)
    fold = {cluster: number % FOLDS for number, cluster in enumerate(clusters)}
    by = {
        number: _fitted([each for each in results if fold[each["cluster"]] != number])
        for number in set(fold.values())
    }
    return [suspicion(each["signals"], by[fold[each["cluster"]]]) for each in results]


def logistic(rows: Sequence[Sequence[float]], labels: Sequence[bool], ridge: float = RIDGE) -> list[float]:
    """Weights for rows whose first column is the intercept's 1, which alone is not held small. By Newton's method."""
    size = len(rows[0])
    weights = [0.0] * size
    for _ in range(_STEPS):
        gradient = [0.0 if at == 0 else -ridge * weights[at] for at in range(size)]
        curvature = [[ridge if one == two and one else 0.0 for two in range(size)] for one in range(size)]
        for row, label in zip(rows, labels, strict=True):
            told = 1 / (1 + math.exp(-max(-30.0, min(30.0, _dot(row, weights)))))
            for one in range(size):
                gradient[one] += row[one] * (label - told)
                for two in range(size):
                    curvature[one][two] += row[one] * row[two] * told * (1 - told)
        step = _solved(curvature, gradient)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-9:
            break
    return weights


def _fitted(results: Sequence[Judged]) -> Coefficients:
    known = [features(each["signals"]) for each in results]
    doubts = [each[DOUBT] for each in known if DOUBT in each]
    mean = sum(doubts) / max(len(doubts), 1)
    spread = math.sqrt(sum((each - mean) ** 2 for each in doubts) / max(len(doubts), 1)) or 1.0
    rows = [[1.0, *(_centred(each, name, mean, spread) for name in _NAMES)] for each in known]
    intercept, *weights = logistic(rows, [each["bug"] for each in results])
    return Coefficients(intercept, dict(zip(_NAMES, weights, strict=True)), mean, spread, 1.0)


def _centred(known: Mapping[str, float], name: str, mean: float, spread: float) -> float:
    if name == DOUBT:
        return (known[DOUBT] - mean) / spread if DOUBT in known else 0.0
    return known.get(name, 0.0)


def _threshold(results: Sequence[Judged], suspicions: Sequence[float]) -> float:
    """The least suspicion, from LEAST on, that few enough right functions reach while nothing was run."""
    right = sorted(
        told
        for each, told in zip(results, suspicions, strict=True)
        if not each["bug"] and not {"failed", "passed"} & set(features(each["signals"]))
    )
    if not right:
        return LEAST
    allowed = int(len(right) * FALSE_ALARMS)
    highest = right[len(right) - 1 - allowed]
    return max(LEAST, math.nextafter(highest, 1.0))


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a small system of equations, by elimination with the largest pivot."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        if abs(rows[at][at]) < 1e-12:
            continue
        for other in range(size):
            if other != at:
                factor = rows[other][at] / rows[at][at]
                rows[other] = [one - factor * two for one, two in zip(rows[other], rows[at], strict=True)]
    return [rows[at][size] / rows[at][at] if abs(rows[at][at]) >= 1e-12 else 0.0 for at in range(size)]


def _dot(row: Sequence[float], weights: Sequence[float]) -> float:
    return sum(one * two for one, two in zip(row, weights, strict=True))
