"""``vivek bench``: its options, its progress, its output.

The table or the JSON goes to standard output, progress to standard error. Exit status as for ``vivek ask``: 0 when
the run came to its end, 1 when it did not, 2 on bad use.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vivek.cancel import CancelToken
from vivek.config import BACKENDS, Settings
from vivek.errors import ConfigError, RequestError, VivekError

if TYPE_CHECKING:
    from vivek.bench.progress import Tell
    from vivek.bench.records import Records
    from vivek.bench.result import Result
    from vivek.bench.run import Outcome, Plan
    from vivek.bench.trial import Options

UNFINISHED = 1
USED_BADLY = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser of ``vivek bench`` its options."""
    parser.add_argument("file", nargs="*", type=Path, help="JSONL files; without one, Vivek's own")
    parser.add_argument(
        "--kind",
        choices=("task", "review"),
        default="task",
        help="what the files hold: tasks to be done, or labelled functions to be reviewed",
    )
    what = parser.add_argument_group("what is run")
    what.add_argument(
        "--arms",
        metavar="A,B",
        help="what is compared; the first is the base (default: raw,vivek; of reviews static,model,run-examples)",
    )
    what.add_argument("--ids", metavar="GLOB", help="only tasks whose id matches")
    what.add_argument("--limit", type=_positive, metavar="N", help="only the first N of them")
    what.add_argument(
        "--repeat", type=_positive, default=1, metavar="N", help="times, each with another seed"
    )
    how = parser.add_argument_group("how the model is asked")
    how.add_argument("--model", help="a model's name, or the path of a GGUF file")
    how.add_argument("--backend", choices=BACKENDS, default="auto")
    how.add_argument("--url", help="the server's address")
    how.add_argument("--temperature", type=_within(0.0, 2.0), help="instead of each arm's own")
    how.add_argument("--top-p", type=_within(0.01, 1.0), help="likewise")
    how.add_argument("--reply-cap", type=_positive, metavar="TOKENS", help="no reply is longer")
    how.add_argument("--seed", type=_positive, default=1)
    output = parser.add_argument_group("what is kept and shown")
    output.add_argument(
        "--out", type=Path, metavar="DIR", help="keep the run here; if it is begun, go on with it"
    )
    shown = output.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    shown.add_argument("--report", action="store_true", help="print a Markdown table, a row for each model")
    output.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures (.png, .svg)")
    kept = parser.add_argument_group("of kept runs, without a model")
    kept.add_argument(
        "--compare", type=Path, nargs="+", metavar="DIR", help="the figures of these runs together"
    )
    kept.add_argument(
        "--read", type=Path, metavar="DIR", help="print its prompts and replies (of --ids, --arms)"
    )
    kept.add_argument("--failed", action="store_true", help="with --read: only what was not solved")
    parser.set_defaults(command=bench)


def bench(arguments: argparse.Namespace) -> int:
    """Run ``vivek bench``; the exit status."""
    try:
        return _bench(arguments)
    except (RequestError, ConfigError) as error:
        print(f"vivek: {error}", file=sys.stderr)
        return USED_BADLY
    except VivekError as error:
        print(f"vivek: {error}", file=sys.stderr)
        return UNFINISHED


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.plot:
        from vivek.bench import plot

        plot.refuse_if_impossible(arguments.plot)
    if arguments.kind == "review":
        from vivek.bench.reviews import command

        return command.bench(arguments, arguments.out or _default_folder())
    if arguments.read:
        return _read(arguments)
    if arguments.compare:
        return _compare(arguments)
    return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    cancel = CancelToken()
    signal.signal(signal.SIGINT, lambda _signal, _frame: cancel.cancel())

    from vivek.bench import progress, run
    from vivek.log import configure

    configure()
    plan, options = _plan(arguments), _options(arguments)
    folder = arguments.out or _default_folder()
    print(f"The run is kept in {folder}; --out {folder} goes on with it.", file=sys.stderr)
    tell: Tell[Result]
    with progress.shown(_told) as tell:
        records = run.run(plan, options, folder, tell, cancel)
    results = run.selected(plan, records.results)
    _show(arguments, run.outcome(results, plan.arms), [records])
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from vivek.bench import arms, records, run

    every = [records.read(folder) for folder in arguments.compare]
    results = run.together(every)
    wanted = arms.named(arguments.arms) if arguments.arms else None
    found = run.outcome(results, wanted)
    if not found.summaries:
        raise RequestError("There is nothing to compare.", hint="Check the folders and --arms.")
    _show(arguments, found, every)
    return 0


def _read(arguments: argparse.Namespace) -> int:
    from vivek.bench import arms, reading, records

    results = reading.matching(records.read(arguments.read).results, arguments.ids, failed=arguments.failed)
    if arguments.arms:
        wanted = arms.named(arguments.arms)
        results = [each for each in results if each["arm"] in wanted]
    sys.stdout.write(reading.text(results))
    return 0


def _show(arguments: argparse.Namespace, found: Outcome, every: Sequence[Records[Result]]) -> None:
    from rich.console import Console

    from vivek.bench import plot, report, run, table

    if arguments.json:
        print(json.dumps(run.report(every, found)))
    elif arguments.report:
        sys.stdout.write(report.markdown(every))
    else:
        table.show(found.summaries, found.comparisons, Console(highlight=False))
    if arguments.plot:
        plot.draw(found.summaries, every[0].settings["model"], arguments.plot)


def _plan(arguments: argparse.Namespace) -> Plan:
    from vivek.bench import arms
    from vivek.bench.jsonl import chosen
    from vivek.bench.run import Plan
    from vivek.bench.task import bundled, load

    names = arms.named(arguments.arms) if arguments.arms else list(arms.DEFAULT)
    files = [load(path) for path in arguments.file] or bundled()
    every = [task for file in files for task in file.tasks]
    return Plan(files, chosen(every, arguments.ids, arguments.limit), names, arguments.repeat)


def _options(arguments: argparse.Namespace) -> Options:
    from vivek.bench.trial import Options

    return Options(
        settings=Settings(arguments.backend, arguments.model, arguments.url),
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        reply_cap=arguments.reply_cap,
        seed=arguments.seed,
    )


def _default_folder() -> Path:
    from vivek.paths import state_dir

    return state_dir() / "bench" / datetime.now().strftime("%Y-%m-%d-%H%M%S")


def _told(result: Result) -> str:
    return f"{result['arm']}  {result['task']}  {result['status']}  {result['seconds']:.1f} s"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _within(least: float, most: float) -> Callable[[str], float]:
    """What reads a number of that range."""

    def number(text: str) -> float:
        with suppress(ValueError):
            if least <= (value := float(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")

    return number
