"""How far a run of ``vivek bench`` is: a bar on a terminal, elsewhere a line for each result. On standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

R = TypeVar("R")

Tell = Callable[[int, int, R | None], None]
"""(Steps done, steps in all, the result of the last one.)"""


@contextmanager
def shown(told: Callable[[R], str]) -> Iterator[Tell[R]]:
    """What to tell of each step. told: a result in one line."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal:
        yield lambda done, total, result: _plainly(done, total, told(result)) if result else None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("loading the model", total=None)

        def tell(done: int, total: int, result: R | None) -> None:
            text = told(result) if result else "at work"
            progress.update(bar, completed=done, total=total, description=text)

        yield tell


def _plainly(done: int, total: int, text: str) -> None:
    print(f"{done} of {total}  {text}", file=sys.stderr, flush=True)
