"""Rewrites for benchmarks: functions of the standard library, what to do with them, and how good the replies are.

It asks no model: `bench_llm` does, and hands the replies back. Replies are scored by the checks that judge every edit.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vivek.checks.static import review, score
from vivek.edits.reply import extract
from vivek.llm.base import Message
from vivek.prompts import render
from vivek.prompts.layout import user_message

MODULES = (
    "argparse",
    "calendar",
    "csv",
    "difflib",
    "fractions",
    "gettext",
    "glob",
    "heapq",
    "imaplib",
    "ipaddress",
)
MODULES += (
    "mailbox",
    "netrc",
    "pprint",
    "queue",
    "shlex",
    "shutil",
    "statistics",
    "string",
    "tarfile",
    "textwrap",
)
CHANGES = (
    "Add a docstring that says what the function does.",
    "Rename the first parameter after `self`, or the first one, to `given`, everywhere.",
    "Add type annotations to the signature.",
    "Raise a ValueError where the last argument is None.",
    "Return early instead of nesting, where that is possible.",
)


@dataclass(frozen=True)
class Task:
    """A function of the standard library, dedented, and what to do with it."""

    file: str
    code: str
    instruction: str

    def messages(self, route: str, nonce: str = "") -> list[Message]:
        """The prompt as the planner lays it out. nonce: goes first, so that nothing of it is in a cache."""
        task = render(route, instruction=self.instruction, language="python")
        user = user_message([("File", self.file)], self.code, "python", "", task)
        return [Message("system", nonce + render("system")), Message("user", user)]


def functions(shortest: int, longest: int) -> Iterator[tuple[str, str]]:
    """(file, code) of all functions of so many lines, a module after the other, one of each in turn."""
    yield from (
        pair
        for row in itertools.zip_longest(*map(list, _by_module(shortest, longest)))
        for pair in row
        if pair
    )


def _by_module(shortest: int, longest: int) -> Iterator[list[tuple[str, str]]]:
    for module in MODULES:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            continue  # not every Python has them all
        text = Path(spec.origin).read_text("utf-8")
        lines = text.splitlines(keepends=True)
        found = [
            node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.args.args
        ]
        yield [
            (Path(spec.origin).name, textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno])))
            for node in found
            if shortest <= (node.end_lineno or 0) - node.lineno + 1 <= longest and not node.decorator_list
        ]


def tasks(count: int, shortest: int, longest: int, instructions: Sequence[str] = CHANGES) -> list[Task]:
    """So many functions of so many lines, each with the next instruction."""
    chosen = itertools.islice(functions(shortest, longest), count)
    return [
        Task(file, code, text)
        for (file, code), text in zip(chosen, itertools.cycle(instructions), strict=False)
    ]


def compare(asked: Sequence[Task], pairs: Sequence[tuple[str, str]]) -> None:
    """Print every difference between the replies with and without drafting, and what the checks say of both."""
    same, scores = 0, []
    for task, (on, off) in zip(asked, pairs, strict=True):
        if on == off:
            same += 1
            continue
        both = judged(task, on), judged(task, off)
        scores.append(both)
        print(
            f"\n  {task.file}: {task.instruction} (score {both[0]:.2f} with drafting, {both[1]:.2f} without)"
        )
        lines = difflib.unified_diff(off.splitlines(), on.splitlines(), "without", "with", n=0, lineterm="")
        print(textwrap.indent("\n".join(itertools.islice(lines, 20)), "    "))
    better, worse = sum(a > b for a, b in scores), sum(a < b for a, b in scores)
    print(
        f"\n  {same} of {len(pairs)} replies are the same to the letter; of the others the checks find {better} better"
        f" with drafting, {worse} worse, and {len(scores) - better - worse} as good."
    )


def judged(task: Task, reply: str) -> float:
    """The score of a reply as an edit of the whole function; 0 where it holds no code."""
    code = extract(reply, "python", old=task.code).code
    if not code:
        return 0.0
    size = len(task.code.splitlines())
    checks = review(
        task.code,
        code,
        filetype="python",
        first=1,
        last=size,
        after_last=len(code.splitlines()),
        instruction=task.instruction,
    )
    return score(checks)
