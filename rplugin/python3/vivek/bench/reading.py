"""Kept results as text for reading: what each call was asked and what it said, and how its task ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from vivek.bench.recording import RecordedCall
from vivek.bench.result import Result


def matching(results: Sequence[Result], glob: str | None, *, failed: bool) -> list[Result]:
    """The results whose task's id matches; of these, where wished, only the ones that did not pass."""
    return [
        each
        for each in results
        if (glob is None or fnmatchcase(each["task"], glob)) and not (failed and each["status"] == "pass")
    ]


def text(results: Sequence[Result]) -> str:
    """All of it, one task after another."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    repeat = f" (repeat {result['repeat'] + 1})" if result["repeat"] else ""
    yield f"======== {result['task']}  {result['arm']}{repeat}: {result['status']}"
    for number, call in enumerate(result["calls"], 1):
        yield from _call(number, call)
    yield f"-------- {result['status']} {result['detail']}".rstrip()
    for name, value in result["about"].items():
        yield f"{name}: {value}"
    yield ""


def _call(number: int, call: RecordedCall) -> Iterator[str]:
    for message in call["messages"]:
        yield f"-------- call {number}, {message['role']}"
        yield message["content"]
    cost = f"{call['prompt_tokens']} + {call['generated_tokens']} tokens, {call['total_ms'] / 1000:.1f} s"
    yield f"-------- call {number}, reply ({call['ending']}; {cost})"
    yield call["reply"]
