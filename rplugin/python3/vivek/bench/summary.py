"""What an arm came to over all its tasks.

Token figures are means for a task. Computed tokens are what a machine has to work for: the prompt less what its server
still knows of this arm's own earlier calls, and the reply. What another arm left in the cache does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivek.bench.result import Result


@dataclass(frozen=True)
class Summary:
    """An arm's figures. tasks: those that could be run. first_token_ms: of a task's first call, the median.

    calls, prompt, cached, generated, computed, seconds: a task's mean. per_solved: computed tokens for each task
    solved, None where none was. outside: lines changed outside the target. overflows: prompts that did not fit. cut:
    replies that ran into their cap. timeouts: candidates that never ended. largest: tokens of the longest call.
    """

    arm: str
    tasks: int
    skipped: int
    solved: int
    well_formed: int
    unchanged: int
    lost_symbols: int
    outside: int
    overflows: int
    timeouts: int
    cut: int
    largest: int
    calls: float
    prompt: float
    cached: float
    generated: float
    computed: float
    per_solved: float | None
    first_token_ms: float
    tokens_per_second: float
    seconds: float
    peak_bytes: int | None
    isolated: bool


def summary(arm: str, results: Sequence[Result]) -> Summary:
    """The figures of one arm's results."""
    ran = [each for each in results if each["status"] != "skipped"]
    calls = [call for each in ran for call in each["calls"]]
    count = max(len(ran), 1)
    prompt = sum(call["prompt_tokens"] for call in calls)
    cached = sum(call["shared_tokens"] for call in calls)
    generated = sum(call["generated_tokens"] for call in calls)
    decoding = sum(call["total_ms"] - call["first_token_ms"] for call in calls) / 1000
    solved = sum(each["status"] == "pass" for each in ran)
    computed = prompt - cached + generated
    first = sorted(each["calls"][0]["first_token_ms"] for each in ran if each["calls"])
    return Summary(
        arm=arm,
        tasks=len(ran),
        skipped=len(results) - len(ran),
        solved=solved,
        well_formed=sum(each["well_formed"] for each in ran),
        unchanged=sum(each["unchanged"] for each in ran),
        lost_symbols=sum(each["lost_symbols"] for each in ran),
        outside=sum(each["changed_outside"] or 0 for each in ran),
        overflows=sum(each["error"] == "ContextWindowExceededError" for each in ran),
        timeouts=sum(each["status"] == "timeout" for each in ran),
        cut=sum(call["ending"] == "length" for call in calls),
        largest=max((call["prompt_tokens"] + call["generated_tokens"] for call in calls), default=0),
        calls=len(calls) / count,
        prompt=prompt / count,
        cached=cached / count,
        generated=generated / count,
        computed=computed / count,
        per_solved=computed / solved if solved else None,
        first_token_ms=first[len(first) // 2] if first else 0.0,
        tokens_per_second=generated / decoding if decoding > 0 else 0.0,
        seconds=sum(each["seconds"] for each in ran) / count,
        peak_bytes=max((each["peak_bytes"] for each in ran if each["peak_bytes"]), default=None),
        isolated=all(each["isolated"] for each in ran),
    )


def by_arm(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each arm, in the order in which arms first come."""
    arms: dict[str, list[Result]] = {}
    for each in results:
        arms.setdefault(each["arm"], []).append(each)
    return arms
