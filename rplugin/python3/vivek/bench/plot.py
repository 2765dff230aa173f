"""A run's figures as a picture: what each arm solved, and what that cost. Needs the extra `vivek-nvim[bench]`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vivek.bench.summary import Summary
from vivek.errors import InstallError, RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ENDINGS = (".png", ".svg")


def refuse_if_impossible(path: Path) -> None:
    """Raise RequestError or InstallError, before a run of hours rather than after it."""
    if path.suffix not in _ENDINGS:
        raise RequestError(f"{path} cannot be drawn.", hint=f"Let its name end in {' or '.join(_ENDINGS)}.")
    if find_spec("matplotlib") is None:
        raise InstallError("matplotlib is missing.", hint="Run: pip install 'vivek-nvim[bench]'")


def draw(summaries: Sequence[Summary], title: str, path: Path) -> None:
    """Write the picture. Raises OSError where it cannot be written."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 1.4 + 0.5 * len(summaries)), layout="constrained")
    solved, tokens, seconds = figure.subplots(1, 3, sharey=True)
    shares = [100 * each.solved / max(each.tasks, 1) for each in summaries]
    _bars(solved, summaries, shares, [f"{each.solved} of {each.tasks}" for each in summaries], "% solved")
    computed = [each.computed for each in summaries]
    _bars(tokens, summaries, computed, [f"{each:.0f}" for each in computed], "computed tokens a task")
    spent = [each.seconds for each in summaries]
    _bars(seconds, summaries, spent, [f"{each:.1f}" for each in spent], "seconds a task")
    solved.invert_yaxis()
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def _bars(
    axes: Axes, summaries: Sequence[Summary], values: Sequence[float], labels: Sequence[str], what: str
) -> None:
    bars = axes.barh([each.arm for each in summaries], values, color="#4477aa")
    axes.bar_label(bars, labels, padding=3)
    axes.set_xlim(0, max([*values, 1e-9]) * 1.25)
    axes.set_xlabel(what)
    axes.spines[["top", "right"]].set_visible(False)
