"""A run on a terminal: live nodes, tokens and the reply as it comes; then the diff, the words or the error.

Results go to standard output, everything else to standard error; both are plain text where they are not a terminal.
It decides nothing about a run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.text import Text

from vivek.errors import VivekError

if TYPE_CHECKING:
    from vivek.agent.run import AskResult
    from vivek.review.finding import Finding, Review

_TAIL_LINES = 12
"""Lines of the streaming reply that the live view shows."""

_QUOTED_LINES = 5

_STYLES = {"error": "bold red", "warning": "yellow", "information": "blue", "hint": "dim"}

_PHASES = {"running": "running the examples and tests", "checking": "asking the static tools"}

Event = dict[str, Any]


class Terminal:
    """Shows one run. stream: whether the reply is shown while it is written."""

    def __init__(self, *, stream: bool = True) -> None:
        self._out = Console(file=sys.stdout, soft_wrap=True, highlight=False)
        self._err = Console(file=sys.stderr, highlight=False)
        self._stream = stream and self._err.is_terminal
        self._status = "starting"
        self._began = monotonic()
        self._reply = ""
        self._lock = Lock()

    @contextmanager
    def live(self) -> Iterator[None]:
        """The live view, on a terminal; without one, `hear` prints a line for each node."""
        if not self._stream:
            yield
            return
        with Live(get_renderable=self._view, console=self._err, transient=True, refresh_per_second=12):
            yield

    def hear(self, event: Event) -> None:
        """Take one event of a run. Called from several threads."""
        with self._lock:
            kind = event["kind"]
            if kind == "start":
                self._say(f"{event['model']} ({event['backend']}: {event['reason']})")
            elif kind == "node":
                self._reply = ""
                self._status = f"{event['node']}: {event['detail']}"
                self._say(_numbered(self._status, event["attempt"]))
            elif kind == "notice":
                self._say(event["text"], style="yellow")
            elif kind == "prompt":
                self._say(event["text"], style="dim" if event["whole"] else "yellow")
            elif kind == "progress":
                self._status = _phase(event)
            elif kind == "retry":
                self._reply = ""
                told = f"Trying again in {event['seconds']:.0f} s (try {event['attempt']})."
                self._say(f"{event['reason']} {told}", style="yellow")
            elif kind == "text":
                self._reply += event["text"]

    def diff(self, text: str) -> None:
        """Print a unified diff, coloured on a terminal and exact elsewhere."""
        if self._out.is_terminal:
            self._out.print(Syntax(text, "diff", background_color="default", word_wrap=True))
        else:
            _write_raw(text)

    def answer(self, words: str) -> None:
        """Print an answer in words, rendered on a terminal."""
        if self._out.is_terminal:
            self._out.print(Markdown(words))
        else:
            _write_raw(words + "\n")

    def review(self, review: Review) -> None:
        """Print a review: a line for each finding, as compilers do, with the quote and the remedy on a terminal."""
        if not self._out.is_terminal:
            _write_raw("".join(f"{_located(finding)}\n" for finding in review.findings))
        else:
            for finding in review.findings:
                self._finding(finding)
        self._say(_counted(review), style="green" if not review.findings else "yellow")

    def _finding(self, finding: Finding) -> None:
        style = _STYLES[finding.severity]
        head = Text.assemble(
            (f"{finding.path}:{finding.line} ", "bold"), (finding.severity, style), f" {finding.message} "
        )
        head.append(f"({finding.source}, {finding.confidence:.0%})", style="dim")
        self._out.print(head, soft_wrap=True)
        for line in finding.quote.split("\n")[:_QUOTED_LINES]:
            self._out.print(Text(f"    {line}", style="cyan"), soft_wrap=True)
        if finding.suggestion:
            self._out.print(Text(f"    {finding.suggestion}", style="dim"), soft_wrap=True)

    def raw(self, text: str) -> None:
        """Write a text as it is."""
        _write_raw(text)

    def note(self, text: str) -> None:
        """Say something beside the result."""
        self._say(text, style="yellow")

    def stats(self, result: AskResult, written: str) -> None:
        """One line on what the run came to, and the checks that the best attempt failed."""
        for check in result["checks"]:
            if not check["passed"]:
                self._say(f"{check['name']}: {check['detail']}", style="yellow")
        if result["warning"]:
            self._say(result["warning"], style="yellow")
        if result["stopped"]:
            self._say("Stopped; this is what was finished.", style="yellow")
        if written:
            self._say(f"Wrote {written}.")
        self._say(_summary(result), style="green")

    def error(self, error: VivekError) -> None:
        """Show a failure, what to do about it, and what the model had written."""
        if not self._err.is_terminal:
            self._err.print(f"vivek: {error}", markup=False, soft_wrap=True)
            return
        parts: list[RenderableType] = [Text(error.message)]
        if error.hint:
            parts.append(Text(error.hint, style="bold"))
        if error.partial:
            parts += [Text("\nThe model wrote:", style="dim"), Text(error.partial)]
        self._err.print(Panel(Group(*parts), title=error.kind, border_style="red"))

    def _say(self, text: str, style: str = "dim") -> None:
        self._err.print(Text(text, style=style), soft_wrap=True)

    def _view(self) -> RenderableType:
        tail = "\n".join(self._reply.split("\n")[-_TAIL_LINES:])
        elapsed = f"{self._status} · {monotonic() - self._began:.0f} s"
        return Group(Spinner("dots", Text(elapsed)), Text(tail, style="dim"))


@contextmanager
def download_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar for a download; gives `update(done, total, text)` in bytes. Plain lines without a terminal."""
    console = Console(file=sys.stderr, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    if not console.is_terminal:
        yield _plain_progress(console)
        return
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda done, total, text: progress.update(
            task, completed=done, total=total or None, description=text
        )


def _plain_progress(console: Console) -> Callable[[int, int, str], None]:
    """Progress as lines: one for each new text and each further tenth."""
    last: tuple[str, int] = ("", -1)

    def update(done: int, total: int, text: str) -> None:
        nonlocal last
        tenth = done * 10 // total if total else 0
        if (text, tenth) != last:
            last = (text, tenth)
            share = f" {tenth * 10} %" if total else ""
            console.print(f"{text}{share}", markup=False, soft_wrap=True)

    return update


def _write_raw(text: str) -> None:
    """Bytes as they are: rich would drop control characters and cannot print what is not UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _numbered(status: str, attempt: int) -> str:
    return status if attempt == 1 else f"{status} (attempt {attempt})"


def _phase(event: Event) -> str:
    if event["phase"] == "reading":
        return _reading(event["done"], event["total"], event.get("seconds_left"))
    if event["phase"] == "writing":
        return f"writing: {event['tokens']} tokens, {event['tokens_per_second']:.1f} tokens/s"
    if event["phase"] == "queued":
        return f"waiting for the model, {event['ahead']} before this one"
    if event["phase"] == "reviewing":
        return f"reviewing: {event['done']} of {event['total']} blocks"
    return _PHASES.get(event["phase"], "loading the model")


def _located(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}: {finding.severity}: {finding.message} ({finding.source})"


def _counted(review: Review) -> str:
    beside = [
        f"{number} {what}"
        for number, what in (
            (len(review.folded), "unsure"),
            (review.dismissed, "dismissed"),
            (review.ungrounded, "without a place"),
        )
        if number
    ]
    told = f" Not shown: {', '.join(beside)}." if beside else ""
    return f"{review.summary}{told}{'' if review.complete else ' Not complete.'}"


def _reading(done: int, total: int, seconds_left: float | None) -> str:
    """The share is told where the server tells how far it is, the time left where an estimate can be made."""
    told = f"reading the prompt: {done} of {total} tokens" if done else f"reading the prompt: {total} tokens"
    return told if seconds_left is None else f"{told}, about {seconds_left:.0f} s left"


def _summary(result: AskResult) -> str:
    stats = result["stats"]
    hunks = len(result["edits"])
    what = "answered" if result["answer"] else f"{hunks} hunk{'' if hunks == 1 else 's'}"
    attempts = f"{result['iterations']} attempt{'' if result['iterations'] == 1 else 's'}"
    return (
        f"{what}, score {result['score']:.2f}, {attempts}, "
        f"{stats['prompt_tokens']} prompt + {stats['tokens']} generated tokens, "
        f"{stats['tokens_per_second']:.1f} tokens/s, {stats['seconds']:.1f} s"
    )
