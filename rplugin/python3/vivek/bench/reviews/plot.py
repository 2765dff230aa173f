"""How far a suspicion can be believed, as a picture: what was told against what came true, for each arm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vivek.bench.reviews.figures import Bin, Figures


def draw(every: Sequence[Figures], title: str, path: Path) -> None:
    """Write the picture. Raises OSError where it cannot be written."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linestyle=":", label="as told")
    for each in every:
        if each.calibration:
            told = [one.suspicion for one in each.calibration]
            axes.errorbar(
                told,
                [one.bugs.value or 0.0 for one in each.calibration],
                yerr=list(zip(*(_reach(one) for one in each.calibration), strict=True)),
                marker="o",
                capsize=3,
                label=each.arm,
            )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="suspicion", ylabel="share with a bug", title=title)
    axes.legend()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _reach(one: Bin) -> tuple[float, float]:
    """How far the interval reaches below and above the share."""
    value, low, high = one.bugs.value or 0.0, one.bugs.low or 0.0, one.bugs.high or 0.0
    return max(value - low, 0.0), max(high - value, 0.0)
