"""Runs as rows of a Markdown table: one a model, for `doc/model_recommendations.md`.

A model counts as reliable with Vivek when it solves at least what it solves alone, at least 95 % of its replies are
well-formed, no prompt overflows, and no reply runs into its cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vivek.bench.records import Records
from vivek.bench.result import Result
from vivek.bench.summary import Summary, by_arm, summary
from vivek.errors import RequestError

WELL_FORMED = 0.95

_COLUMNS = (
    "model",
    "raw solved",
    "vivek solved",
    "well-formed",
    "no-op",
    "does not parse",
    "overflows",
    "replies cut off",
    "longest call",
    "tokens/s",
    "seconds a task",
    "peak memory",
    "reliable",
)


def markdown(every: Sequence[Records[Result]]) -> str:
    """The table. Raises RequestError where a run lacks the arms `raw` and `vivek`."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(each) for each in every)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def faults(raw: Summary, vivek: Summary) -> list[str]:
    """What keeps a model from counting as reliable, a few words each."""
    found = {
        "solves less than alone": vivek.solved < raw.solved,
        f"under {WELL_FORMED:.0%} well-formed": vivek.well_formed < WELL_FORMED * vivek.tasks,
        "overflows": vivek.overflows > 0,
        "runs into the cap": vivek.cut > 0,
    }
    return [fault for fault, there in found.items() if there]


def _row(records: Records[Result]) -> tuple[str, ...]:
    arms = by_arm(records.results)
    if not {"raw", "vivek"} <= set(arms):
        raise RequestError(f"{records.folder} lacks an arm.", hint="A report needs raw and vivek: --arms.")
    raw, vivek = summary("raw", arms["raw"]), summary("vivek", arms["vivek"])
    parsed = sum(each["status"] == "syntax" for each in arms["vivek"])
    wrong = faults(raw, vivek)
    return (
        _name(records.settings),
        f"{raw.solved} of {raw.tasks}",
        f"{vivek.solved} of {vivek.tasks}",
        f"{vivek.well_formed / max(vivek.tasks, 1):.0%}",
        str(vivek.unchanged),
        str(parsed),
        str(vivek.overflows),
        str(vivek.cut),
        f"{vivek.largest} tokens",
        f"{vivek.tokens_per_second:.1f}",
        f"{vivek.seconds:.1f}",
        f"{vivek.peak_bytes / 1e9:.2f} GB" if vivek.peak_bytes else "-",
        "yes" if not wrong else f"no: {', '.join(wrong)}",
    )


def _name(settings: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [str(settings["model"]), str(settings["quantization"])]))
