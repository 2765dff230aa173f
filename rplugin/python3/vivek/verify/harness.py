"""Runs in the sandbox, under the user's own Python: loads the candidate file and evaluates examples.

It is given to ``python -c`` as text with one argument of JSON, imports nothing of Vivek, and keeps to what Python 3.8
has. Each session of examples gets a process of its own, forked once the file is loaded: one that changes a global,
crashes or never ends does nothing to the next. Answers are JSON, a line each, on what was standard output; whatever
the code prints goes to standard error.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import importlib.util
import inspect
import io
import json
import math
import os
import re
import select
import signal
import sys
import time
import traceback
import types
from typing import Any, NoReturn

LONGEST = 300
"""Characters of a value or an error that are told."""

_MISSING = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_GRACE_SECONDS = 0.5


class _TimeUp(BaseException):
    """Not an Exception: code that catches those must not swallow it."""


def main() -> None:
    """``harness.py SPEC``, SPEC being what `vivek.verify.running` makes."""
    spec = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.argv = [spec["file"]]
    sys.dont_write_bytecode = True
    sys.path[:] = [*spec["roots"], *(path for path in sys.path if path), *spec["fallback"]]
    with open(spec["file"], encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        lines = file.read().split("\n")
    try:
        module = _load(spec["file"], spec["module"])
    except BaseException as error:  # noqa: BLE001 (it is told)
        tell(answers, failed=type(error).__name__, error=_told(error, spec["file"], lines))
        return
    tell(answers, loaded=os.path.realpath(module.__file__ or ""))
    for session in spec["sessions"]:
        _fork(module, session, spec, lines, answers)


def tell(answers: Any, **message: Any) -> None:
    """One answer. It is complete before anything else runs."""
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _load(path: str, name: str) -> types.ModuleType:
    """The file as a module; a part of a package is imported as such, for its relative imports."""
    if "." in name:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location("_tested" if name in sys.modules else name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


def _fork(
    module: types.ModuleType,
    session: list[dict[str, Any]],
    spec: dict[str, Any],
    lines: list[str],
    answers: Any,
) -> None:
    """Run a session in a child, pass on what it answers, and end it where it does not end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(module, session, spec, lines, writing)
    os.close(writing)
    seconds = spec["seconds"]
    begun, told, killed = -1, set(), False
    deadline = time.monotonic() + seconds + _GRACE_SECONDS
    with os.fdopen(reading, "rb", buffering=0) as stream:
        waiting = b""
        while True:
            ready, _, _ = select.select([stream], [], [], max(0.0, deadline - time.monotonic()))
            data = stream.read(65536) if ready else b""
            if not ready:
                os.kill(child, signal.SIGKILL)
                killed = True
            if not data:
                break
            *whole, waiting = (waiting + data).split(b"\n")
            for line in whole:
                message = json.loads(line)
                deadline = time.monotonic() + seconds + _GRACE_SECONDS
                if "begin" in message:
                    begun = message["begin"]
                else:
                    told.add(message["index"])
                    tell(answers, **message)
    os.waitpid(child, 0)
    if begun >= 0 and begun not in told:
        error = _late(seconds) if killed else "the process ended before there was a result"
        tell(answers, index=begun, got="", error=error, passed=False)


def _be_child(
    module: types.ModuleType,
    session: list[dict[str, Any]],
    spec: dict[str, Any],
    lines: list[str],
    writing: int,
) -> NoReturn:
    try:
        with os.fdopen(writing, "w", encoding="utf-8") as answers:
            _run_session(module, session, spec, lines, answers)
    finally:
        os._exit(0)


def _run_session(
    module: types.ModuleType,
    session: list[dict[str, Any]],
    spec: dict[str, Any],
    lines: list[str],
    answers: Any,
) -> None:
    signal.signal(signal.SIGALRM, _time_up)
    names = dict(module.__dict__)
    for example in session:
        tell(answers, begin=example["index"])
        signal.setitimer(signal.ITIMER_REAL, spec["seconds"])
        try:
            if example["kind"] == "doctest":
                got, passed = _doctest(example, names)
            else:
                got, passed = _inline(example, names)
            error = ""
        except _TimeUp:
            got, error, passed = "", _late(spec["seconds"]), False
        except BaseException as raised:  # noqa: BLE001 (it is told)
            got, passed = "", _is_expected(example, raised)
            error = _told(raised, spec["file"], lines)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        tell(answers, index=example["index"], got=got, error=error, passed=passed)


def _time_up(_signal: int, _frame: Any) -> None:
    raise _TimeUp


def _late(seconds: float) -> str:
    return f"did not end within {seconds:g} s"


def _doctest(example: dict[str, Any], names: dict[str, Any]) -> tuple[str, bool]:
    """Run a statement as the interactive Python does: what it prints is compared, the value's repr included."""
    shown: list[Any] = []

    def display(value: Any) -> None:
        if value is not None:
            shown.append(value)
            print(repr(value))

    old_display, sys.displayhook = sys.displayhook, display
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(example["expression"] + "\n", "<example>", "single", dont_inherit=True), names)
    finally:
        sys.displayhook = old_display
    got = printed.getvalue()
    if example["raises"]:
        return _short(got.rstrip("\n")), False
    if not example["expected"] and shown and not got.replace(repr(shown[0]), "").strip():
        return _short(got.rstrip("\n")), True  # a docstring that leaves a value out does not ask for none
    passed = doctest.OutputChecker().check_output(example["expected"], got, example["flags"])
    value = _literal(example["expected"])
    if not passed and len(shown) == 1 and got == repr(shown[0]) + "\n" and value is not _MISSING:
        passed = isinstance(shown[0], bool) == isinstance(value, bool) and same(shown[0], value)
    return _short(got.rstrip("\n")), passed


def _inline(example: dict[str, Any], names: dict[str, Any]) -> tuple[str, bool]:
    got = eval(example["expression"], names)
    if inspect.iscoroutine(got):
        import asyncio  # it takes its time

        got = asyncio.run(got)
    expected = eval(example["expected"], names)
    return _short(repr(got)), same(got, expected)


def _is_expected(example: dict[str, Any], raised: BaseException) -> bool:
    if not example["raises"]:
        return False
    message = traceback.format_exception_only(type(raised), raised)[-1]
    if doctest.OutputChecker().check_output(example["raises"] + "\n", message, example["flags"]):
        return True
    if not example["flags"] & doctest.IGNORE_EXCEPTION_DETAIL:
        return False
    wanted = example["raises"].partition(":")[0].rpartition(".")[2]
    return bool(wanted == message.partition(":")[0].strip().rpartition(".")[2])


def same(got: Any, expected: Any) -> bool:
    """Whether two values are equal; numbers to a millionth, in lists, tuples and dicts too."""
    if isinstance(got, (float, complex)) or isinstance(expected, (float, complex)):
        return _close(got, expected)
    if isinstance(expected, (list, tuple)) and type(got) is type(expected):
        return len(got) == len(expected) and all(map(same, got, expected))
    if isinstance(expected, dict) and isinstance(got, dict):
        return got.keys() == expected.keys() and all(same(got[key], expected[key]) for key in expected)
    try:
        return bool(got == expected)
    except Exception:  # noqa: BLE001 (arrays of numbers have no truth)
        return repr(got) == repr(expected)


def _close(got: Any, expected: Any) -> bool:
    numbers = (int, float, complex)
    if not (isinstance(got, numbers) and isinstance(expected, numbers)):
        return bool(got == expected)
    if bool(got == expected) or (got != got and expected != expected):  # noqa: PLR0124 (not a number)
        return True
    difference, size = abs(got - expected), max(abs(got), abs(expected))
    return bool(not math.isinf(size) and difference <= max(1e-6 * size, 1e-9))


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _MISSING


def _told(error: BaseException, path: str, lines: list[str]) -> str:
    """What was raised, and the innermost line of the tested file that it came through."""
    message = _short(traceback.format_exception_only(type(error), error)[-1].strip())
    line = _line_in(error, os.path.realpath(path))
    if line is None or not 1 <= line <= len(lines):
        return message
    return f"{message} (line {line}: `{lines[line - 1].strip()}`)"


def _line_in(error: BaseException, path: str) -> int | None:
    if isinstance(error, SyntaxError) and error.filename and os.path.realpath(error.filename) == path:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame.lineno for frame in frames if os.path.realpath(frame.filename) == path]
    return inside[-1] if inside else None


def _short(text: str) -> str:
    text = _ADDRESS.sub("", text)
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


if __name__ == "__main__":
    main()
