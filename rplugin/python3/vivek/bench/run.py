"""A whole run: every task under every arm, kept as it comes, and what it all came to.

One arm goes through all its tasks before the next begins, so that what an arm leaves in the server's cache is mostly
gone when another comes to the same task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vivek import version
from vivek.bench.paired import Comparison, compare
from vivek.bench.progress import Tell
from vivek.bench.recording import conversation
from vivek.bench.records import Records, begun
from vivek.bench.result import Result
from vivek.bench.summary import Summary, by_arm, summary
from vivek.bench.task import Task, TaskFile
from vivek.bench.trial import Options, Trials
from vivek.cancel import CancelToken
from vivek.llm.base import Message, ModelInfo


@dataclass(frozen=True)
class Plan:
    """What is to be run: files that the tasks are chosen from, the tasks, the arms, and how often each."""

    files: Sequence[TaskFile]
    tasks: Sequence[Task]
    arms: Sequence[str]
    repeats: int = 1

    def steps(self) -> list[tuple[str, int, Task]]:
        """All of it in order."""
        return [
            (arm, repeat, task) for arm in self.arms for repeat in range(self.repeats) for task in self.tasks
        ]


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the arms' figures, and each compared with the first."""

    summaries: list[Summary]
    comparisons: list[Comparison]


def run(
    plan: Plan, options: Options, folder: Path, tell: Tell[Result], cancel: CancelToken
) -> Records[Result]:
    """Do what is not done yet. tell: (steps done, steps in all, the result of the last one).

    Raises RequestError where the folder holds another run, and as `Trials`; what was finished stays.
    """
    trials = Trials(options, cancel)
    try:
        records: Records[Result]
        with begun(folder, settings(plan, options, trials.info)) as records:
            _go_on(plan, trials, records, tell)
            return records
    finally:
        trials.close()


def outcome(results: Sequence[Result], arms: Sequence[str] | None = None) -> Outcome:
    """The figures of results. arms: those to show, in this order; None for all, as they come."""
    found = by_arm(results)
    shown = [arm for arm in (arms or found) if arm in found]
    pairs = [compare(found[shown[0]], found[arm]) for arm in shown[1:]]
    return Outcome([summary(arm, found[arm]) for arm in shown], [pair for pair in pairs if pair])


def settings(plan: Plan, options: Options, info: ModelInfo) -> dict[str, Any]:
    """What must be the same for a run to go on: the model, how it is asked, the task files, and Vivek itself."""
    return {
        "vivek": version.VERSION,
        "sources": sources(),
        "model": info.name,
        "digest": info.digest,
        "backend": info.backend,
        "quantization": info.quantization,
        "parameters": info.parameters,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "reply_cap": options.reply_cap,
        "seed": options.seed,
        "files": {file.name: file.digest for file in plan.files},
    }


def selected(plan: Plan, results: Sequence[Result]) -> list[Result]:
    """The results that belong to the plan; a folder may hold more, of other tasks and arms."""
    wanted = {(arm, repeat, task.file, task.id) for arm, repeat, task in plan.steps()}
    return [each for each in results if (each["arm"], each["repeat"], each["file"], each["task"]) in wanted]


def together(every: Sequence[Records[Result]]) -> list[Result]:
    """The results of several runs. An arm that more than one of them has is told apart by its folder."""
    folders: dict[str, set[Path]] = {}
    for records in every:
        for each in records.results:
            folders.setdefault(each["arm"], set()).add(records.folder)
    return [
        {**each, "arm": f"{each['arm']} ({records.folder.name})"} if len(folders[each["arm"]]) > 1 else each
        for records in every
        for each in records.results
    ]


def report(every: Sequence[Records[Result]], found: Outcome) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "runs": [{"folder": str(each.folder), "settings": each.settings} for each in every],
        "arms": [asdict(each) for each in found.summaries],
        "comparisons": [asdict(each) for each in found.comparisons],
    }


def sources() -> str:
    """A digest (hex) of all that decides what an arm does: results of two versions are no one run."""
    root = Path(version.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".txt", ".json") and path.relative_to(root).parts[0] != "bench":
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _go_on(plan: Plan, trials: Trials, records: Records[Result], tell: Tell[Result]) -> None:
    steps, done = plan.steps(), records.done()
    last = {each["arm"]: _last(each) for each in records.results}
    tell(0, len(steps), None)
    for number, (arm, repeat, task) in enumerate(steps, 1):
        if (task.file, task.id, arm, repeat) in done:
            tell(number, len(steps), None)
            continue
        result = trials.run(task, arm, repeat, last.get(arm, []))
        records.add(result)
        last[arm] = _last(result)
        tell(number, len(steps), result)


def _last(result: Result) -> list[Message]:
    return conversation(result["calls"][-1]) if result["calls"] else []
