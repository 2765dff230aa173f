"""``vivek review``: its options, its files, its output and its exit status.

Standard output carries the findings alone, as text, JSON, SARIF or Markdown; everything else goes to standard error.
Exit status, for scripts: 1 when a finding of severity "error" stands, 2 when the review could not run, else 0.
"""

from __future__ import annotations

import argparse
import json
import signal
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivek.cancel import CancelToken
from vivek.config import BACKENDS, Settings
from vivek.errors import RequestError, VivekError
from vivek.source import Source, read_source

if TYPE_CHECKING:
    from vivek.review.finding import Review
    from vivek.review.request import ReviewRequest

CLEAN, FOUND, NOT_RUN = 0, 1, 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser of ``vivek review`` its options."""
    parser.add_argument(
        "file", nargs="*", metavar="FILE[:FIRST-LAST]", help="files and lines (1-based); - is standard input"
    )
    what = parser.add_argument_group("what is reviewed")
    what.add_argument(
        "--diff", metavar="REV", help="only what changed since the revision; without a FILE, in all files"
    )
    what.add_argument("--filetype", help="the language, where the files' names do not tell")
    what.add_argument(
        "--run-examples", action="store_true", help="run the examples of docstrings, in a sandbox"
    )
    what.add_argument("--no-model", action="store_true", help="ask the static tools alone")
    how = parser.add_argument_group("how the model is asked")
    how.add_argument("--model", help="a model's name, or the path of a GGUF file")
    how.add_argument("--backend", choices=BACKENDS, default="auto")
    how.add_argument("--url", help="the server's address")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print one JSON object")
    shown.add_argument("--sarif", action="store_true", help="print SARIF 2.1.0, for code hosts")
    shown.add_argument("--markdown", action="store_true", help="print a report")
    parser.set_defaults(command=review)


def review(arguments: argparse.Namespace) -> int:
    """Run ``vivek review``; the exit status."""
    from vivek.terminal import Terminal

    terminal = Terminal(stream=not (arguments.json or arguments.sarif or arguments.markdown))
    try:
        sources = _sources(arguments)
    except VivekError as error:
        return _failed(error, arguments, terminal)
    reviews, failure = _run(sources, arguments, terminal)
    if failure and not any(each.blocks or each.summary for each in reviews):
        return _failed(failure, arguments, terminal)
    whole = _whole(reviews)
    _print(whole, arguments, terminal)
    if whole.has_errors:
        return FOUND
    return CLEAN if whole.complete else NOT_RUN


def _sources(arguments: argparse.Namespace) -> list[Source]:
    """The documents to review. Raises RequestError."""
    if arguments.file:
        return [read_source(name) for name in arguments.file]
    if arguments.diff is None:
        raise RequestError("There is nothing to review.", hint="Name a file, or a revision with --diff.")
    from vivek.grammar import filetype_of
    from vivek.review.changes import changed_files

    files = [
        path for path in changed_files(Path.cwd(), arguments.diff) if path.is_file() and filetype_of(path)
    ]
    return [read_source(str(_below(path))) for path in files]


def _below(path: Path) -> Path:
    here = Path.cwd().resolve()
    return path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path


def _run(
    sources: Sequence[Source], arguments: argparse.Namespace, terminal: Any
) -> tuple[list[Review], VivekError | None]:
    """The reviews of all files, and the first failure to review one."""
    # Before the imports, which take a second or two.
    cancel = CancelToken()
    signal.signal(signal.SIGINT, lambda _signal, _frame: cancel.cancel())

    from vivek.log import configure
    from vivek.session import Session

    configure()
    session = Session()
    reviews: list[Review] = []
    failure: VivekError | None = None
    try:
        with terminal.live():
            for source in sources:
                try:
                    request = _request(arguments, source)
                    if any(each.error for each in reviews):  # to find so for each file would take minutes
                        request = replace(request, ask_model=False)
                    reviews.append(session.review(request, terminal.hear, cancel))
                except VivekError as error:
                    failure = failure or error
                    reviews.append(_not_reviewed(source, error))
    finally:
        session.close()
    return reviews, failure


def _not_reviewed(source: Source, error: VivekError) -> Review:
    """What stands for a file of several that cannot be reviewed. A picture among them does no harm."""
    from vivek.review.finding import Review, Skipped
    from vivek.review.request import is_binary

    skipped = Skipped(source.name, 1, 1, error.message)
    return Review(skipped=(skipped,), complete=is_binary(source.text))


def _whole(reviews: Sequence[Review]) -> Review:
    from vivek.review.summary import together

    return together(reviews)


def _request(arguments: argparse.Namespace, source: Source) -> ReviewRequest:
    """What is asked about one document. Raises RequestError where it is no text."""
    from vivek.grammar import filetype_of
    from vivek.project_file import Verify
    from vivek.review.request import ReviewRequest

    ranges = ((source.first, source.last),) if source.first is not None and source.last is not None else None
    return ReviewRequest(
        run=uuid.uuid4().hex,
        text=source.text,
        filetype=arguments.filetype or (filetype_of(source.path) if source.path else ""),
        path=source.path,
        name=source.name,
        ranges=ranges,
        since=arguments.diff,
        settings=Settings(arguments.backend, arguments.model, arguments.url),
        verify=Verify(run_examples=arguments.run_examples),
        ask_model=not arguments.no_model,
    )


def _print(whole: Review, arguments: argparse.Namespace, terminal: Any) -> None:
    from vivek.review.export import rendered

    extension = {"json": ".json", "sarif": ".sarif", "markdown": ".md"}
    for skipped in whole.skipped:
        terminal.note(f"{skipped.path}:{skipped.line}-{skipped.end_line}: {skipped.reason}")
    wanted = next((extension[name] for name in extension if getattr(arguments, name)), None)
    if wanted is None:
        terminal.review(whole)
        return
    names = ", ".join(arguments.file) or f"what changed since {arguments.diff}"
    filetype = arguments.filetype or ""
    terminal.raw(rendered(whole, wanted, name=names, filetype=filetype, root=Path.cwd()))


def _failed(error: VivekError, arguments: argparse.Namespace, terminal: Any) -> int:
    """Tell that nothing was reviewed; as JSON with the keys of a review, all empty."""
    if arguments.json:
        from vivek.review.finding import Review

        print(json.dumps(Review(complete=False, error=error.plain()).report()))
    terminal.error(error)
    return NOT_RUN
