"""``vivek bench --kind review``: the same options, progress and output as for tasks, of reviews."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.errors import RequestError

if TYPE_CHECKING:
    from vivek.bench.progress import Tell
    from vivek.bench.records import Records
    from vivek.bench.reviews.result import Judged
    from vivek.bench.reviews.run import Plan

_OF_TASKS = ("report", "read", "failed", "temperature", "top_p", "reply_cap")
"""Options that say nothing of a review."""


def bench(arguments: argparse.Namespace, folder: Path) -> int:
    """Run it; the exit status. folder: where the run is kept. Raises VivekError."""
    _refuse_others(arguments)
    if arguments.compare:
        return _compare(arguments)
    cancel = CancelToken()
    signal.signal(signal.SIGINT, lambda _signal, _frame: cancel.cancel())

    from vivek.bench import progress
    from vivek.bench.reviews import run
    from vivek.log import configure

    configure()
    plan = _plan(arguments)
    print(f"The run is kept in {folder}; --out {folder} goes on with it.", file=sys.stderr)
    settings = Settings(arguments.backend, arguments.model, arguments.url)
    tell: Tell[Judged]
    with progress.shown(_told) as tell:
        records = run.run(plan, settings, folder, tell, cancel)
    _show(arguments, run.selected(plan, records.results), [records])
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from vivek.bench import records
    from vivek.bench.reviews import arms

    every: list[Records[Judged]] = [records.read(folder) for folder in arguments.compare]
    wanted = arms.named(arguments.arms) if arguments.arms else list(arms.ARMS)
    several = len(every) > 1
    found: list[Judged] = [
        {**each, "arm": f"{each['arm']} ({kept.folder.name})" if several else each["arm"]}
        for kept in every
        for each in kept.results
        if each["arm"] in wanted
    ]
    if not found:
        raise RequestError("There is nothing to compare.", hint="Check the folders and --arms.")
    _show(arguments, found, every)
    return 0


def _show(arguments: argparse.Namespace, results: Sequence[Judged], every: Sequence[Records[Judged]]) -> None:
    from rich.console import Console

    from vivek.bench.reviews import plot, run, table

    found = run.outcome(results)
    if arguments.json:
        print(json.dumps(run.report(every, found)))
    else:
        table.show(found, Console(highlight=False))
    if arguments.plot:
        plot.draw(found, str(every[0].settings["model"] or "no model"), arguments.plot)


def _plan(arguments: argparse.Namespace) -> Plan:
    from vivek.bench.jsonl import chosen
    from vivek.bench.reviews import arms
    from vivek.bench.reviews.rows import bundled, load
    from vivek.bench.reviews.run import Plan

    names = arms.named(arguments.arms) if arguments.arms else list(arms.DEFAULT)
    files = [load(path) for path in arguments.file] or bundled()
    every = [row for file in files for row in file.rows]
    return Plan(files, chosen(every, arguments.ids, arguments.limit), names)


def _refuse_others(arguments: argparse.Namespace) -> None:
    """Raise RequestError for an option that is of tasks alone: to pass it over would mislead."""
    given = [name for name in _OF_TASKS if getattr(arguments, name) not in (None, False)]
    if arguments.repeat != 1:
        given.append("repeat")
    if arguments.seed != 1:
        given.append("seed")
    if given:
        option = given[0].replace("_", "-")
        raise RequestError(f"--{option} is of tasks; reviews have none.", hint="Leave it out.")


def _told(result: Judged) -> str:
    label, said = "bug" if result["bug"] else "ok", "alarm" if result["alarm"] else "quiet"
    return f"{result['arm']}  {result['task']}  {label}: {said}  {result['score']:.2f}  {result['seconds']:.1f} s"
