"""A whole run of reviews: every row under every arm, kept as it comes, and what it all came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vivek.bench.progress import Tell
from vivek.bench.records import Records, begun
from vivek.bench.reviews.arms import ARMS
from vivek.bench.reviews.figures import Figures, by_arm, figures
from vivek.bench.reviews.result import Judged
from vivek.bench.reviews.rows import Row, RowFile
from vivek.bench.reviews.trial import Reviewer
from vivek.bench.run import sources
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.llm.base import ModelInfo
from vivek.version import VERSION


@dataclass(frozen=True)
class Plan:
    """What is to be reviewed: files that the rows are chosen from, the rows, and the arms."""

    files: Sequence[RowFile]
    rows: Sequence[Row]
    arms: Sequence[str]

    def steps(self) -> list[tuple[str, Row]]:
        """All of it in order."""
        return [(arm, row) for arm in self.arms for row in self.rows]

    @property
    def asks(self) -> bool:
        """Whether any arm asks a model."""
        return any(ARMS[arm].model for arm in self.arms)


def run(
    plan: Plan, settings: Settings, folder: Path, tell: Tell[Judged], cancel: CancelToken
) -> Records[Judged]:
    """Do what is not done yet. tell: (steps done, steps in all, the result of the last one).

    Raises RequestError where the folder holds another run, and as `Reviewer`; what was finished stays.
    """
    reviewer = Reviewer(settings, cancel, model=plan.asks)
    records: Records[Judged]
    with begun(folder, _settings(plan, reviewer.info)) as records:
        steps, done = plan.steps(), records.done()
        tell(0, len(steps), None)
        for number, (arm, row) in enumerate(steps, 1):
            result = None
            if (row.file, row.id, arm, 0) not in done:
                result = reviewer.run(row, arm)
                records.add(result)
            tell(number, len(steps), result)
        return records


def selected(plan: Plan, results: Sequence[Judged]) -> list[Judged]:
    """The results that belong to the plan; a folder may hold more, of other rows and arms."""
    wanted = {(arm, row.file, row.id) for arm, row in plan.steps()}
    return [each for each in results if (each["arm"], each["file"], each["task"]) in wanted]


def outcome(results: Sequence[Judged]) -> list[Figures]:
    """The figures of each arm."""
    return [figures(arm, found) for arm, found in by_arm(results).items()]


def report(every: Sequence[Records[Judged]], found: Sequence[Figures]) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "runs": [{"folder": str(each.folder), "settings": dict(each.settings)} for each in every],
        "arms": [asdict(each) for each in found],
    }


def _settings(plan: Plan, info: ModelInfo | None) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    return {
        "kind": "review",
        "vivek": VERSION,
        "sources": sources(),
        "model": info.name if info else "",
        "digest": info.digest if info else "",
        "backend": info.backend if info else "",
        "quantization": info.quantization if info else "",
        "parameters": info.parameters if info else None,
        "files": {file.name: file.digest for file in plan.files},
    }
