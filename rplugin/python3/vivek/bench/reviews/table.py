"""The figures of reviews on a terminal: arms beside each other, and the signals of each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vivek.bench.reviews.curves import Estimate
from vivek.bench.reviews.figures import Figures


def show(every: Sequence[Figures], console: Console) -> None:
    """Print the tables, and what a reader must know of the figures."""
    console.print(_figures(every))
    for each in every:
        if each.signals:
            console.print(_signals(each))
        if each.strange:
            console.print(f"{each.arm}: {each.strange} quotes are not in the file.", style="bold red")
        if each.incomplete:
            console.print(f"{each.arm}: of {each.incomplete} rows not all was looked at.", style="yellow")


def _figures(every: Sequence[Figures]) -> Table:
    table = Table("", *(each.arm for each in every), title="With 95 % intervals")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cells in _rows(every):
        table.add_row(name, *cells)
    return table


def _rows(every: Sequence[Figures]) -> list[tuple[str, list[str]]]:
    return [
        ("functions, with a bug", [f"{each.rows}, {each.bugs}" for each in every]),
        ("area under the curve", [_told(each.auc) for each in every]),
        ("balanced accuracy", [_told(each.balanced) for each in every]),
        ("bugs found", [_percent(each.found) for each in every]),
        ("false alarms", [_percent(each.false_alarms) for each in every]),
        ("Brier score", ["-" if each.brier is None else f"{each.brier:.3f}" for each in every]),
        ("quotes in the file", [f"{each.quotes - each.strange} of {each.quotes}" for each in every]),
        ("ungrounded, dropped", [str(each.ungrounded) for each in every]),
        ("tokens a function", [f"{each.tokens:.0f}" for each in every]),
        ("seconds a function", [f"{each.seconds:.1f}" for each in every]),
    ]


def _signals(figures: Figures) -> Table:
    table = Table("signal", "functions", "its own area", "adds", title=figures.arm)
    for column in table.columns[1:]:
        column.justify = "right"
    for each in figures.signals:
        table.add_row(each.name, str(each.known), _told(each.auc), _told(each.adds, "+.3f"))
    return table


def _told(estimate: Estimate, form: str = ".3f") -> str:
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{form}}"
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"
