"""What an arm came to over all its rows: how well it ranks, what it finds, its false alarms, what each signal adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vivek.bench.reviews.curves import Clustered, Estimate, auc, balanced, estimated, share
from vivek.bench.reviews.result import Judged
from vivek.review.calibration import calibrated

BINS = 5
"""Of the calibration, each with as many rows."""


@dataclass(frozen=True)
class Signal:
    """One signal by itself. known: rows that have it. auc: of its own values, below one half where less is worse.

    adds: how much of the suspicion's area under the curve is gone without it.
    """

    name: str
    known: int
    auc: Estimate
    adds: Estimate


@dataclass(frozen=True)
class Bin:
    """Rows with a like suspicion: how many, its mean, and the share that has a bug."""

    rows: int
    suspicion: float
    bugs: Estimate


@dataclass(frozen=True)
class Figures:
    """An arm's figures. found: of the bugs, those with an alarm; false_alarms: of the rest likewise.

    brier: the mean squared distance of the suspicion from the truth. quotes: findings that were shown or folded;
    strange: those whose quote is not in the file. seconds, tokens: a row's mean, tokens being those of its prompts and
    replies. incomplete: rows whose review did not come to its end.
    """

    arm: str
    rows: int
    bugs: int
    auc: Estimate
    balanced: Estimate
    found: Estimate
    false_alarms: Estimate
    brier: float | None
    calibration: tuple[Bin, ...]
    signals: tuple[Signal, ...]
    quotes: int
    strange: int
    ungrounded: int
    incomplete: int
    seconds: float
    tokens: float


def figures(arm: str, results: Sequence[Judged]) -> Figures:
    """The figures of one arm's results."""
    bugs = [each for each in results if each["bug"]]
    others = [each for each in results if not each["bug"]]
    shown = [len(each["findings"]) + len(each["folded"]) for each in results]
    calls = [call for each in results for call in each["calls"]]
    count = max(len(results), 1)
    known = [(each["suspicion"], each["bug"]) for each in results if each["suspicion"] is not None]
    return Figures(
        arm=arm,
        rows=len(results),
        bugs=len(bugs),
        auc=_ranked(results, lambda each: each["score"]),
        balanced=estimated(
            [Clustered(each["cluster"], (each["alarm"], each["bug"])) for each in results], balanced
        ),
        found=share(sum(each["alarm"] for each in bugs), len(bugs)),
        false_alarms=share(sum(each["alarm"] for each in others), len(others)),
        brier=sum((value - bug) ** 2 for value, bug in known) / len(known) if known else None,
        calibration=tuple(_bins(known)),
        signals=tuple(_signals(results)),
        quotes=sum(shown),
        strange=sum(each["strange"] for each in results),
        ungrounded=sum(each["ungrounded"] for each in results),
        incomplete=sum(bool(each["incomplete"]) for each in results),
        seconds=sum(each["seconds"] for each in results) / count,
        tokens=sum(call["prompt_tokens"] + call["generated_tokens"] for call in calls) / count,
    )


def by_arm(results: Sequence[Judged]) -> dict[str, list[Judged]]:
    """The results of each arm, in the order in which arms first come."""
    arms: dict[str, list[Judged]] = {}
    for each in results:
        arms.setdefault(each["arm"], []).append(each)
    return arms


def _ranked(results: Sequence[Judged], score: Callable[[Judged], float]) -> Estimate:
    return estimated([Clustered(each["cluster"], (score(each), each["bug"])) for each in results], auc)


def _signals(results: Sequence[Judged]) -> list[Signal]:
    with_any = [each for each in results if each["signals"]]
    names = dict.fromkeys(name for each in with_any for name in each["signals"])
    return [_signal(name, with_any) for name in names]


def _signal(name: str, results: Sequence[Judged]) -> Signal:
    having = [each for each in results if name in each["signals"]]
    pairs = [
        Clustered(
            each["cluster"],
            (calibrated(each["signals"]), calibrated(_without(each["signals"], name)), each["bug"]),
        )
        for each in results
    ]
    own = _ranked(having, lambda each: each["signals"][name])
    return Signal(name, len(having), own, estimated(pairs, _gain))


def _gain(triples: Sequence[tuple[float, float, bool]]) -> float | None:
    whole, less = auc([(one, bug) for one, _, bug in triples]), auc([(two, bug) for _, two, bug in triples])
    return None if whole is None or less is None else whole - less


def _without(signals: Mapping[str, float], name: str) -> dict[str, float]:
    return {other: value for other, value in signals.items() if other != name}


def _bins(known: Sequence[tuple[float, bool]]) -> list[Bin]:
    ordered = sorted(known)
    found = []
    for number in range(BINS):
        part = ordered[number * len(ordered) // BINS : (number + 1) * len(ordered) // BINS]
        if part:
            mean = sum(value for value, _ in part) / len(part)
            found.append(Bin(len(part), mean, share(sum(bug for _, bug in part), len(part))))
    return found
