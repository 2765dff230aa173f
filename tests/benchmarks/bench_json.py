"""How often a small model's structured answer is valid: `python tests/benchmarks/bench_json.py [--calls N] [--model M]`.

The planner's and the reviewer's own questions, on small inputs that differ from each other, go to embedded models: each
once bound to its JSON schema and once without, as on a server that cannot. What counts as valid is an answer of the
model, whichever step found it; the fallback does not. Which step it was is counted too, and so are the tokens.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from typing import Any

from rich.console import Console
from rich.table import Table

from vivek.agent.opinions import PLAN_TOKENS, VERDICT_TOKENS, Plan, Verdict
from vivek.llm import weights
from vivek.llm.base import ChatModel, Message, Sampling
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.structured import STEPS, Answer, Question, Step, ask_structured
from vivek.prompts import render
from vivek.prompts.layout import fenced, user_message

MODELS = ("qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b")
GOALS = {True: 1.0, False: 0.95}
"""The share that must be valid with a schema and without."""

NAMES = ("total", "load", "parse_line", "next_id", "merge", "clamp", "lookup")

CODES = (
    ("python", "def NAME(items):\n    n = 0\n    for x in items:\n        n += x\n    return n\n"),
    ("python", "def NAME(path):\n    f = open(path)\n    return f.read().split()\n"),
    ("python", "class Box:\n    def NAME(self, key):\n        return self.cache[key]\n"),
    ("lua", "local function NAME(t)\n  for k, v in pairs(t) do\n    print(k, v)\n  end\nend\n"),
    ("javascript", 'function NAME(a) {\n  return a.map((x) => "{" + x + "}").join(", ");\n}\n'),
    ("go", "func NAME(a []int) int {\n\treturn a[len(a)-1]\n}\n"),
    ("rust", "fn NAME(s: &str) -> usize {\n    s.parse().unwrap()\n}\n"),
    ("c", 'int NAME(const char *s) {\n    printf("%s\\n", s);\n    return s[0];\n}\n'),
)
"""A filetype and a few lines; some hold what JSON is made of."""

OPEN = (
    "thread safety",
    "this looks odd",
    "an empty list crashes here",
    "isolate the input",
    "performance",
    "shorter names, please",
    "a sibling for tuples",
    'the "{}" in it confuses me',
    "no globals",
    "I do not understand line 2",
    "large files",
    "the caller needs both values",
    "someone may pass None",
    "good enough for production, or not",
)
"""Instructions whose words settle nothing."""

EDITS = (
    ("add a comment at the top", "# Does its work.\n{}"),
    ("rename it to run", "{}"),
    ("return early when there is nothing to do", "{}"),
    ("add a TODO line at the end", "{}# TODO\n"),
)
"""Requests, and what became of the code: some were done, some not."""


@dataclass(frozen=True)
class Item:
    """A question with its prompt."""

    messages: list[Message]
    question: Question[Any]


@dataclass
class Tally:
    """What one model's answers in one way came to."""

    steps: Counter[Step] = field(default_factory=Counter)
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    lost: list[str] = field(default_factory=list)

    def add(self, answer: Answer[Any]) -> None:
        self.steps[answer.step] += 1
        for reply in answer.replies:
            self.calls += 1
            self.prompt_tokens += reply.stats.prompt_tokens
            self.cached_tokens += reply.stats.cached_tokens or 0
            self.generated_tokens += reply.stats.generated_tokens
            self.seconds += reply.stats.total_ms / 1000
        if answer.step == "fallback":
            self.lost.append(" -> ".join(f"{reply.text!r} ({reply.problem})" for reply in answer.replies))

    @property
    def valid(self) -> float:
        questions = self.steps.total()
        return 1 - self.steps["fallback"] / questions if questions else 0.0


def items(number: int) -> list[Item]:
    """So many questions, the planner's and the reviewer's in turn."""
    both = (item for pair in zip(cycle(_plans()), cycle(_verdicts()), strict=False) for item in pair)
    return list(islice(both, number))


async def measure(model: ChatModel, number: int) -> dict[bool, Tally]:
    """The tallies with a schema (True) and without (False)."""
    tallies = {True: Tally(), False: Tally()}
    for item in items(number):
        for bound, tally in tallies.items():
            tally.add(await ask_structured(model, item.messages, item.question, bound=bound))
    return tallies


def _named(values: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    return zip(cycle(NAMES), values, strict=False)


def _plans() -> Iterator[Item]:
    for name, (wish, (filetype, code)) in _named(product(OPEN, CODES)):
        task = render("plan", instruction=wish)
        yield Item(
            [*_opening(filetype, code.replace("NAME", name), task)],
            _question(Plan(kind="change"), PLAN_TOKENS),
        )


def _verdicts() -> Iterator[Item]:
    for name, (times, (filetype, code), (wish, edit)) in _named(product(range(4), CODES, EDITS)):
        old = code.replace("NAME", f"{name}{times or ''}")
        task = render("rewrite", instruction=wish, language=filetype)
        messages = [
            *_opening(filetype, old, task),
            Message("assistant", fenced(edit.replace("{}", old), filetype)),
            Message("user", render("verdict", instruction=wish)),
        ]
        yield Item(messages, _question(Verdict(verdict="right", problem=""), VERDICT_TOKENS))


def _opening(filetype: str, code: str, task: str) -> list[Message]:
    return [Message("system", render("system")), Message("user", user_message([], code, filetype, "", task))]


def _question(fallback: Any, max_tokens: int) -> Question[Any]:
    return Question(
        type(fallback), fallback, lambda problem: render("again", problem=problem), Sampling(max_tokens)
    )


def _row(name: str, bound: bool, tally: Tally) -> list[str]:
    return [
        name,
        "schema" if bound else "none",
        f"{tally.valid:.1%}",
        *[str(tally.steps[step]) for step in STEPS],
        str(tally.calls),
        f"{tally.prompt_tokens} ({tally.cached_tokens})",
        str(tally.generated_tokens),
        f"{tally.seconds:.0f}",
    ]


def main() -> int:
    """Exit status 1 where a share is below its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="questions for each model and way")
    parser.add_argument(
        "--model", action="append", help="an installed model (default: the 0.5B and the 1.5B)"
    )
    given = parser.parse_args()
    table = Table(
        "model",
        "bound by",
        "valid",
        *STEPS,
        "calls",
        "prompt tokens (cached)",
        "generated",
        "s",
        title="Answers",
    )
    missed = False
    for name in given.model or MODELS:
        found = weights.find(name)
        if found is None:
            print(f"{name} is not installed: vivek install model {name}", file=sys.stderr)
            return 2
        began = time.monotonic()
        tallies = asyncio.run(measure(LlamaCppModel(found.path, name=name), given.calls))
        print(f"{name}: {2 * given.calls} questions in {time.monotonic() - began:.0f} s", file=sys.stderr)
        for bound, tally in tallies.items():
            table.add_row(*_row(name, bound, tally))
            missed = missed or tally.valid < GOALS[bound]
            for lost in tally.lost:
                print(f"no answer: {lost}", file=sys.stderr)
    Console(width=160).print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
