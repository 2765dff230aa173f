"""The command line: the same session as in Neovim, for scripts and measurements.

Standard output carries the result alone (a diff, words, JSON, or nothing after ``--write``); everything else goes to
standard error. Exit status: 0 with edits or an answer, 1 when nothing usable came, 2 on bad use.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from vivek.atomic import replace
from vivek.bench.command import add_options as add_bench_options
from vivek.cancel import CancelToken
from vivek.config import BACKENDS, HISTORY_STRATEGIES, Settings
from vivek.errors import RequestError, VivekError
from vivek.modes import MODES, addressed
from vivek.review_cli import add_options as add_review_options
from vivek.source import STDIN, Source, read_source
from vivek.version import VERSION

if TYPE_CHECKING:
    from vivek.agent.run import AskResult
    from vivek.request import AskRequest

USED_BADLY = 2
NOTHING_USABLE = 1


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The entry point of ``vivek``."""
    given = sys.argv[1:] if argv is None else argv
    # argparse would take "-:3-9" for an option.
    arguments = _parser().parse_args([STDIN + word[1:] if word.startswith("-:") else word for word in given])
    try:
        sys.exit(arguments.command(arguments))
    except KeyboardInterrupt:
        print("vivek: Stopped.", file=sys.stderr)
        sys.exit(NOTHING_USABLE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vivek", description="Small local models, good at real coding work."
    )
    parser.add_argument("--version", action="version", version=f"vivek {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_ask(commands.add_parser("ask", help="rewrite, write or explain code in a file"))
    _add_install(commands.add_parser("install", help="fetch a model for the embedded backend"))
    _add_models(commands.add_parser("models", help="list the models that can be fetched"))
    add_review_options(commands.add_parser("review", help="find what is wrong in files"))
    add_bench_options(commands.add_parser("bench", help="measure a model on tasks, plain and through Vivek"))
    return parser


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE[:FIRST-LAST]", help="file and lines (1-based); - is standard input"
    )
    parser.add_argument("instruction", help="what to do, or what to explain")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--write", action="store_true", help="change the file")
    output.add_argument("--diff", action="store_true", help="print a unified diff (the default)")
    output.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--mode", choices=MODES, default="auto", help="auto: the instruction's words choose (the default)"
    )
    parser.add_argument("--model", help="a model's name, or the path of a GGUF file")
    parser.add_argument("--backend", choices=BACKENDS, default="auto")
    parser.add_argument("--url", help="the server's address")
    parser.add_argument("--no-stream", action="store_true", help="show no reply while it is written")
    parser.add_argument("--thread", metavar="ID", help="go on with a stored conversation")
    parser.add_argument(
        "--history",
        choices=HISTORY_STRATEGIES,
        default="recent",
        help="which of the conversation's earlier instructions the model reads",
    )
    parser.add_argument(
        "--run-examples", action="store_true", help="run the examples of the block's docstrings, in a sandbox"
    )
    parser.add_argument(
        "--test", metavar="CMD", default="", help="run this on a copy of the project: 'pytest -q {file}'"
    )
    parser.add_argument("--filetype", help="the language, where the file's name does not tell")
    parser.set_defaults(command=_ask)


def _add_install(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["model"])
    parser.add_argument("name", nargs="?", default=None, help="a name that `vivek models` lists")
    parser.add_argument(
        "--json-progress", action="store_true", help="one JSON object a line, for other programs"
    )
    parser.set_defaults(command=_install)


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_models)


def _ask(arguments: argparse.Namespace) -> int:
    from vivek.terminal import Terminal

    terminal = Terminal(stream=not arguments.no_stream and not arguments.json)
    try:
        source = read_source(arguments.file)
        request = _request(arguments, source)
        if arguments.write and source.path is None:
            raise RequestError("Standard input cannot be written to.", hint="Use --json or --diff.")
    except VivekError as error:
        _tell_error(error, arguments, terminal)
        return USED_BADLY
    try:
        result = _run(request, terminal)
    except VivekError as error:
        _tell_error(error, arguments, terminal)
        return NOTHING_USABLE
    new_text = _applied(request.text, result)
    if arguments.json:
        print(json.dumps(_report(result, new_text), ensure_ascii=True))
    elif result["answer"]:
        terminal.answer(result["answer"])
    elif arguments.write and source.path is not None:
        try:
            _write(source.path, source.text, new_text)
        except VivekError as error:
            terminal.diff(_diff(request, new_text))
            terminal.error(error)
            return NOTHING_USABLE
    else:
        terminal.diff(_diff(request, new_text))
    terminal.stats(result, str(source.path) if arguments.write and result["edits"] else "")
    return 0 if result["edits"] or result["answer"] else NOTHING_USABLE


def _run(request: AskRequest, terminal: Any) -> AskResult:
    # Before the imports, which take a second or two.
    cancel = CancelToken()
    signal.signal(signal.SIGINT, lambda _signal, _frame: cancel.cancel())

    from vivek.log import configure
    from vivek.session import Session

    configure()
    session = Session()
    try:
        with terminal.live():
            return session.ask(request, terminal.hear, cancel)
    finally:
        session.close()


def _request(arguments: argparse.Namespace, source: Source) -> AskRequest:
    from vivek.grammar import filetype_of
    from vivek.project_file import Verify
    from vivek.request import AskRequest

    known = filetype_of(source.path) if source.path else ""
    instruction, mode = addressed(arguments.instruction, arguments.mode)
    return AskRequest(
        run=uuid.uuid4().hex,
        instruction=instruction,
        text=source.text,
        filetype=arguments.filetype or known,
        path=source.path,
        first=source.first,
        last=source.last,
        thread=arguments.thread,
        stored=arguments.thread is not None,
        settings=Settings(arguments.backend, arguments.model, arguments.url, arguments.history),
        verify=Verify(arguments.run_examples, arguments.test.strip()),
        mode=mode,
    )


def _applied(text: str, result: AskResult) -> str:
    from vivek.edits.diff import apply

    return apply(text, result["edits"])  # type: ignore[arg-type]


def _diff(request: AskRequest, new_text: str) -> str:
    from vivek.edits.diff import unified

    return unified(request.text, new_text, _patched_name(request.path) if request.path else "stdin")


def _patched_name(path: Path) -> str:
    """How a diff names a file, so that `git apply` and `patch -p1` find it from the working directory."""
    below = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.relative_to(path.anchor)
    return str(below)


def _report(result: AskResult, new_text: str) -> dict[str, Any]:
    """What ``--json`` prints on success."""
    keys = (
        "edits",
        "answer",
        "mode",
        "route",
        "score",
        "checks",
        "iterations",
        "calls",
        "thread",
        "stats",
        "stopped",
        "partial",
        "warning",
        "test_file",
    )
    return {**{key: result[key] for key in keys}, "text": new_text, "error": None}  # type: ignore[literal-required]


def _failure_report(error: VivekError) -> dict[str, Any]:
    """What ``--json`` prints on failure: the same keys, empty, and the error."""
    empty: dict[str, Any] = {
        "edits": [],
        "answer": "",
        "mode": None,
        "route": None,
        "score": 0.0,
        "checks": [],
        "iterations": 0,
        "calls": [],
        "thread": None,
        "stats": {},
        "stopped": False,
        "partial": error.partial,
        "warning": "",
        "text": None,
        "test_file": None,
    }
    return {**empty, "error": error.plain()}


def _tell_error(error: VivekError, arguments: argparse.Namespace, terminal: Any) -> None:
    if arguments.json:
        print(json.dumps(_failure_report(error), ensure_ascii=True))
    terminal.error(error)


def _write(path: Path, old_text: str, new_text: str) -> None:
    """Replace a file's content in one step; its permissions and, through a symlink, its place stay.

    Raises RequestError, the file being untouched, where it is no longer what was read or cannot be written.
    """
    try:
        target = path.resolve()
        if target.read_bytes() != old_text.encode("utf-8", "surrogateescape"):
            raise RequestError(
                f"{path.name} changed while the model was at work, so nothing was written.",
                hint="The diff is on standard output. Apply it by hand, or ask again.",
            )
        replace(target, new_text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RequestError(
            f"{path.name} cannot be written: {error.strerror}.",
            hint="The diff is on standard output. Make the file and its folder writable, or apply it by hand.",
        ) from error


def _install(arguments: argparse.Namespace) -> int:
    from vivek.llm.download import Progress, download
    from vivek.llm.weights import DEFAULT
    from vivek.terminal import Terminal, download_bar

    cancel = CancelToken()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: cancel.cancel())

    def told(progress: Progress) -> str:
        detail = f", {progress.detail}" if progress.detail else ""
        return f"{progress.phase} ({progress.source}{detail})"

    try:
        if arguments.json_progress:
            found = download(arguments.name or DEFAULT, lambda now: _print_progress(now, told(now)), cancel)
            print(json.dumps({"done": 1, "total": 1, "text": f"{found.name} is at {found.path}"}), flush=True)
        else:
            with download_bar() as update:
                found = download(
                    arguments.name or DEFAULT, lambda now: update(now.done, now.total, told(now)), cancel
                )
            print(f"{found.name} is at {found.path} (sha256 {found.digest})", file=sys.stderr)
    except VivekError as error:
        Terminal().error(error)
        return NOTHING_USABLE
    return 0


def _print_progress(progress: Any, text: str) -> None:
    print(json.dumps({"done": progress.done, "total": progress.total, "text": text}), flush=True)


def _models(arguments: argparse.Namespace) -> int:
    from vivek.llm.weights import MODELS, find

    rows = [
        {
            "name": model.name,
            "title": model.title,
            "bytes": model.bytes,
            "installed": find(model.name) is not None,
        }
        for model in MODELS
    ]
    if arguments.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            state = "installed" if row["installed"] else f"{_size_text(int(str(row['bytes'])))} to fetch"
            print(f"{row['name']:24} {row['title']:40} {state}")
    return 0


def _size_text(size: int) -> str:
    """Bytes for people, in powers of ten as downloads are quoted: ``"1.1 GB"``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    main()
