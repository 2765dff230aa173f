"""How often each rule of `vivek.checks.facts` speaks on Python's own library: code that thousands have read.

Prints hits for each 1,000 functions and some of the hits. `--most 5` fails where a rule has more than that.
"""

from __future__ import annotations

import argparse
import ast
import sysconfig
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vivek.checks.facts import facts

SKIPPED = frozenset({"site-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "__pycache__"})


def sources(limit: int) -> list[Path]:
    """Files of the standard library, tests left out, always the same."""
    root = Path(sysconfig.get_path("stdlib"))
    return sorted(path for path in root.rglob("*.py") if not SKIPPED & set(path.relative_to(root).parts))[
        :limit
    ]


def measure(paths: list[Path]) -> tuple[int, dict[str, list[str]]]:
    """(number of functions, rule -> hits as `file:line message`)."""
    functions, hits = 0, defaultdict(list)
    for path in paths:
        text = path.read_text("utf-8", "replace")
        functions += sum(
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(ast.parse(text))
        )
        for fact in facts(text, 1, text.count("\n") + 1, "python"):
            hits[fact.rule].append(f"{path.name}:{fact.line} {fact.message}")
    return functions, hits


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="at most so many files")
    parser.add_argument("--show", type=int, default=0, help="so many hits of each rule")
    parser.add_argument(
        "--most", type=float, default=None, help="fail above so many hits for 1,000 functions"
    )
    options = parser.parse_args()
    functions, hits = measure(sources(options.files))
    table = Table("rule", "hits", "for 1,000 functions", title=f"{functions} functions")
    for rule, told in sorted(hits.items(), key=lambda item: -len(item[1])):
        table.add_row(rule, str(len(told)), f"{1000 * len(told) / functions:.2f}")
    console = Console(width=140)
    console.print(table)
    for rule, told in hits.items():
        for hit in told[:: max(1, len(told) // options.show)][: options.show] if options.show else []:
            console.print(f"{rule}: {hit}", markup=False, highlight=False)
    rates = {rule: 1000 * len(told) / functions for rule, told in hits.items() if rule != "pyflakes"}
    if options.most is not None and max(rates.values(), default=0.0) > options.most:
        raise SystemExit(f"too many alarms: {rates}")


if __name__ == "__main__":
    main()
