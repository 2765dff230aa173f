"""Writes `review/calibration.json` from a kept run of ``vivek bench --kind review`` on Vivek's own pairs.

    vivek bench --kind review --arms model,run-examples --model qwen2.5-coder:1.5b --out RUN
    .venv/bin/python scripts/calibrate.py RUN

That has the model write its findings, too, which takes hours on a small machine and says nothing of the doubt. So
``--ask MODEL`` asks for the doubts alone, whatever made the run, and keeps them in it; cut short, it goes on where it
was. A run without token probabilities leaves the doubt without a weight.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from vivek.bench import records
from vivek.bench.reviews.curves import auc
from vivek.bench.reviews.fitting import Fit, fit
from vivek.bench.reviews.result import Judged
from vivek.bench.reviews.rows import Row, bundled
from vivek.bench.reviews.trial import place_of
from vivek.cancel import CancelToken
from vivek.config import BACKENDS
from vivek.llm.loop import ModelLoop
from vivek.llm.select import choose
from vivek.llm.steady import SteadyModel
from vivek.review import calibration
from vivek.review.doubt import doubt
from vivek.review.subject import Subject

ARMS = ("model", "run-examples")
UNDOUBTED = "none: no doubt was measured, so it weighs nothing"


def main() -> None:
    """Fit, write, and tell how good it is on what it was not fitted to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of the run")
    parser.add_argument("--ask", metavar="MODEL", help="ask this model for its doubts")
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--url", help="the server's address")
    parser.add_argument("--out", type=Path, default=Path(calibration.__file__).with_name(calibration.DATA))
    arguments = parser.parse_args()
    kept = records.read(arguments.run)
    results: list[Judged] = [each for each in kept.results if each["arm"] in ARMS]
    if arguments.ask:
        told = _doubts(arguments.run / "doubts.jsonl", arguments, {each["task"] for each in results})
        results = [_with(each, told) for each in results]
    model = arguments.ask or str(kept.settings["model"])
    content = _content(model, results, fit(results), asking=bool(arguments.ask))
    arguments.out.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(content, indent=2))


def _content(model: str, results: Sequence[Judged], found: Fit, *, asking: bool) -> dict[str, object]:
    asked = f" --ask {model}" if asking else ""
    doubts = [(each["signals"][calibration.DOUBT], each["bug"]) for each in results if _doubted(each)]
    areas = {
        arm: auc([pair for name, pair in _told(results, found, all_of_them=not doubts) if name == arm])
        for arm in ARMS
    }
    return {
        "made_by": f"vivek bench --kind review --arms model,run-examples --out RUN && scripts/calibrate.py RUN{asked}",
        "model": model if doubts else UNDOUBTED,
        "functions": len({each["task"] for each in results}),
        "doubted": len({each["task"] for each in results if _doubted(each)}),
        "area_of_doubt": auc(doubts),
        "cross_validated_area": areas,
        "coefficients": asdict(found.coefficients),
    }


def _told(
    results: Sequence[Judged], found: Fit, *, all_of_them: bool
) -> Iterator[tuple[str, tuple[float, bool]]]:
    """The arm, the suspicion and the truth, of those whose doubt is known unless all are wanted."""
    for each, suspicion in zip(results, found.suspicions, strict=True):
        if all_of_them or _doubted(each):
            yield each["arm"], (suspicion, each["bug"])


def _doubts(path: Path, arguments: argparse.Namespace, wanted: set[str]) -> dict[str, float | None]:
    """The doubt about each row, by its id; asked for where the file does not have it yet."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    known: dict[str, float | None] = {each["id"]: each["doubt"] for each in map(json.loads, lines)}
    rows = [row for file in bundled() for row in file.rows if row.id in wanted and row.id not in known]
    loop, cancel = ModelLoop(), CancelToken()
    try:
        chosen = loop.run(choose(arguments.backend, arguments.ask, arguments.url, None), cancel)
        model = SteadyModel(chosen.model)
        with path.open("a", encoding="utf-8") as file:
            for number, row in enumerate(rows, 1):
                doubted = loop.run(doubt(model, _subject(row)), cancel)
                known[row.id] = doubted.nats if doubted else None
                file.write(json.dumps({"id": row.id, "doubt": known[row.id]}) + "\n")
                file.flush()
                print(f"{number} of {len(rows)}  {row.id}  {known[row.id]}", file=sys.stderr, flush=True)
        loop.run(model.aclose(), cancel)
    finally:
        loop.close()
    return known


def _subject(row: Row) -> Subject:
    lines = row.before.split("\n")
    first, last = place_of(row, row.before) or (1, len(lines))
    return Subject(row.entry, "\n".join(lines[first - 1 : last]), row.language)


def _with(result: Judged, doubts: Mapping[str, float | None]) -> Judged:
    doubt = doubts.get(result["task"])
    known = {calibration.DOUBT: doubt} if doubt is not None else {}
    return {**result, "signals": {**result["signals"], **known}}


def _doubted(result: Judged) -> bool:
    return calibration.DOUBT in result["signals"]


if __name__ == "__main__":
    main()
