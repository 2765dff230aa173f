"""A run's figures on a terminal: arms beside each other, and each compared with the first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vivek.bench.paired import Comparison
from vivek.bench.summary import Summary

_NOTHING = "-"


def show(summaries: Sequence[Summary], comparisons: Sequence[Comparison], console: Console) -> None:
    """Print both tables, and what a reader must know of the figures."""
    console.print(_figures(summaries))
    if comparisons:
        console.print(_comparisons(comparisons))
    for each in summaries:
        if each.skipped:
            console.print(f"{each.arm}: {each.skipped} tasks were skipped (see --read).", style="yellow")
        if not each.isolated:
            console.print(f"{each.arm}: candidates ran without isolation.", style="yellow")


def _figures(summaries: Sequence[Summary]) -> Table:
    table = Table("", *(each.arm for each in summaries), title="For each task, but for the counts")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cells in _rows(summaries):
        table.add_row(name, *cells)
    return table


def _rows(summaries: Sequence[Summary]) -> list[tuple[str, list[str]]]:
    return [
        ("solved", [f"{each.solved} of {each.tasks}" for each in summaries]),
        ("well-formed", [str(each.well_formed) for each in summaries]),
        ("no-op", [str(each.unchanged) for each in summaries]),
        ("lost symbols", [str(each.lost_symbols) for each in summaries]),
        ("lines changed outside the target", [str(each.outside) for each in summaries]),
        ("overflows", [str(each.overflows) for each in summaries]),
        ("tests timed out", [str(each.timeouts) for each in summaries]),
        ("replies cut off", [str(each.cut) for each in summaries]),
        ("calls", [f"{each.calls:.2f}" for each in summaries]),
        ("prompt tokens", [f"{each.prompt:.0f}" for each in summaries]),
        ("cached tokens", [f"{each.cached:.0f}" for each in summaries]),
        ("generated tokens", [f"{each.generated:.0f}" for each in summaries]),
        ("computed tokens", [f"{each.computed:.0f}" for each in summaries]),
        ("computed tokens per solved task", [_number(each.per_solved) for each in summaries]),
        ("time to first token, median", [f"{each.first_token_ms / 1000:.2f} s" for each in summaries]),
        ("tokens/s", [f"{each.tokens_per_second:.1f}" for each in summaries]),
        ("seconds", [f"{each.seconds:.1f}" for each in summaries]),
        ("peak memory", [_gigabytes(each.peak_bytes) for each in summaries]),
    ]


def _comparisons(comparisons: Sequence[Comparison]) -> Table:
    base = comparisons[0].base
    table = Table(
        "arm", "wins", "losses", "difference", "95 % interval", "McNemar p", title=f"Beside {base}, paired"
    )
    for each in comparisons:
        table.add_row(
            each.arm,
            str(each.wins),
            str(each.losses),
            f"{each.difference:+.3f}",
            f"{each.low:+.3f} to {each.high:+.3f}",
            f"{each.p:.4f}",
        )
    table.caption = f"{comparisons[0].pairs} attempts at {comparisons[0].tasks} tasks"
    return table


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.0f}"


def _gigabytes(size: int | None) -> str:
    return _NOTHING if size is None else f"{size / 1e9:.2f} GB"
