"""From a task's language to the files and commands that decide whether a candidate passes the task's tests.

It starts no process itself: the runner (`vivek.verify.sandbox.run`) is passed in. It does not know what a task asks
for.

How the tests reach the code, by language: Python's follow it in one file. Lua's and JavaScript's `require` it as
``subject``. C's include it, Go's stand beside it in the package, and both define a function that the program's main
calls: ``run_tests``, ``runTests``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from vivek.verify.sandbox import Limits, Outcome

Status = Literal["pass", "fail", "syntax", "timeout"]

_WHERE = (Path(sys.executable).parent, Path("/usr/local/go/bin"))
"""Where programs are looked for too: Neovim may be in Vivek's environment, Go where its own archive puts it."""

_TELLING = re.compile(r"(?=\S).*?(?:Error\b|panic:|error:|Assertion|undefined|lua[\d.]*: |E5113: |\.go:\d+:)")
"""A line of stderr that says what is wrong. Stack traces are indented, and follow it or lead to it."""


class Runner(Protocol):
    """Runs a command in a workspace that it may write in, and waits for its end."""

    def __call__(
        self, command: Sequence[str], *, workspace: Path, limits: Limits, env: Mapping[str, str]
    ) -> Outcome:
        """How it ended; raises VerifyUnavailableError where it cannot be started."""


@dataclass(frozen=True)
class Step:
    """One command. failed: what it means for the candidate where it fails."""

    command: tuple[str, ...]
    failed: Status = "fail"
    limits: Limits = Limits()  # noqa: RUF009 (it is frozen)


_GO_LIMITS = Limits(seconds=60.0, processes=512, file_bytes=256 << 20)
"""Go compiles its own library first, and keeps it."""


@dataclass(frozen=True)
class Toolchain:
    """How candidates of one language are run.

    subject: the name of the file with the candidate's code. files: (code, tests, word) -> every file's name and text;
    the program prints the word when all tests have run. build: commands that run nothing of the candidate, seen from
    the folder above the files. run: the command that does, among the files. env: names and values for all of them;
    ``{folder}`` stands for the folder above the files.
    """

    language: str
    subject: str
    files: Callable[[str, str, str], Mapping[str, str]]
    run: Step
    build: tuple[Step, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """Why a language's programs cannot be run on this machine."""

    language: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What the tests say. told: the line that says what is wrong, as the language words it; "" for a pass."""

    status: Status
    told: str
    seconds: float
    isolated: bool


def toolchain(language: str) -> Toolchain | Missing:
    """The toolchain of a language, by its Neovim filetype; Missing where it is unknown or not installed."""
    find = _TOOLCHAINS.get(language)
    return find() if find else Missing(language, f"Vivek has no toolchain for {language}.")


def check(tools: Toolchain, code: str, tests: str, word: str, *, folder: Path, run: Runner) -> Verdict:
    """Whether the code passes the tests. Raises what the runner raises.

    word: what the candidate cannot know; it is printed at the end, so that a program which leaves early with success is
    told from one that passed. folder: where the files go, in ``run`` below it, and what the compiler keeps for the next
    time, where no candidate can write. It may be used for many candidates, one after the other.
    """
    place = folder / "run"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, text in tools.files(code, tests, word).items():
        (place / name).write_text(text, "utf-8", "surrogateescape", newline="")
    env = {name: value.replace("{folder}", str(folder)) for name, value in tools.env.items()}
    seconds = 0.0
    for step in (*tools.build, tools.run):
        workspace = place if step is tools.run else folder
        outcome = run(step.command, workspace=workspace, limits=step.limits, env=env)
        seconds += outcome.seconds
        if outcome.ended == "timeout":
            return Verdict("timeout", outcome.why, seconds, outcome.isolated)
        if outcome.code != 0:
            return Verdict(step.failed, _complaint(outcome), seconds, outcome.isolated)
    if word not in outcome.stdout:
        return Verdict("fail", "It ended before its tests did.", seconds, outcome.isolated)
    return Verdict("pass", "", seconds, outcome.isolated)


def _complaint(outcome: Outcome) -> str:
    lines = outcome.stderr.strip().splitlines()
    telling = [line for line in lines if _TELLING.match(line)] or lines[-1:]
    return telling[-1] if telling else outcome.why or f"It ended with status {outcome.code}."


def _found(*programs: str) -> str | None:
    """The path of the first of these programs that is installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, _WHERE)])
    return next((found for program in programs if (found := shutil.which(program, path=path))), None)


def _python() -> Toolchain:
    def files(code: str, tests: str, word: str) -> Mapping[str, str]:
        return {"subject.py": code, "check.py": f"{code}\n\n{tests}\nprint({word!r})\n"}

    parse = "import ast, pathlib; ast.parse(pathlib.Path('run/subject.py').read_bytes())"
    return Toolchain(
        "python",
        "subject.py",
        files,
        Step((sys.executable, "check.py")),
        (Step((sys.executable, "-c", parse), "syntax"),),
        {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def _lua() -> Toolchain | Missing:
    # The tasks are written for every Lua from 5.1 on, and Neovim has one of its own.
    lua = _found("luajit", "lua5.1", "lua", "lua5.4", "lua5.3", "nvim")
    if lua is None:
        return Missing("lua", "Neither lua nor luajit nor nvim is installed.")
    words = (lua, "--clean", "-l") if Path(lua).stem == "nvim" else (lua,)

    def files(code: str, tests: str, word: str) -> Mapping[str, str]:
        path = "package.path = './?.lua;' .. package.path"
        return {
            "subject.lua": code,
            "parse.lua": "assert(loadfile('run/subject.lua'))\n",
            "check.lua": f"{path}\n{tests}\nio.stdout:write('\\n{word}\\n')\n",
        }

    parse = Step((*words, "run/parse.lua"), "syntax")
    state = dict.fromkeys(("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), "{folder}")
    return Toolchain("lua", "subject.lua", files, Step((*words, "check.lua")), (parse,), state)


def _javascript() -> Toolchain | Missing:
    node = _found("node", "nodejs")
    if node is None:
        return Missing("javascript", "node is not installed.")

    def files(code: str, tests: str, word: str) -> Mapping[str, str]:
        return {
            "package.json": '{"type": "commonjs"}\n',
            "subject.js": code,
            "check.js": f"{tests}\nconsole.log({word!r});\n",
        }

    parse = Step((node, "--check", "run/subject.js"), "syntax")
    return Toolchain("javascript", "subject.js", files, Step((node, "check.js")), (parse,))


_GO_MAIN = (
    'package main\n\nimport "os"\n\nfunc main() {{\n\trunTests()\n\tos.Stdout.WriteString("\\n{}\\n")\n}}\n'
)


def _go() -> Toolchain | Missing:
    go, gofmt = _found("go"), _found("gofmt")
    if go is None or gofmt is None:
        return Missing("go", f"{'gofmt' if go else 'go'} is not installed.")

    def files(code: str, tests: str, word: str) -> Mapping[str, str]:
        return {"subject.go": code, "check.go": tests, "main.go": _GO_MAIN.format(word)}

    sources = tuple(f"run/{name}.go" for name in ("subject", "check", "main"))
    build = Step((go, "build", "-o", "run/check", *sources), limits=_GO_LIMITS)
    env = {
        "GOCACHE": "{folder}/go-cache",
        "GOPATH": "{folder}/go-path",
        "GOENV": "off",
        "GOFLAGS": "",
        "GO111MODULE": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    parse = Step((gofmt, "-e", "run/subject.go"), "syntax")
    return Toolchain("go", "subject.go", files, Step(("./check",)), (parse, build), env)


_C_MAIN = (
    '#include <stdio.h>\n\nint main(void)\n{{\n    run_tests();\n    puts("\\n{}");\n    return 0;\n}}\n'
)


def _c() -> Toolchain | Missing:
    cc = _found("cc", "gcc", "clang")
    if cc is None:
        return Missing("c", "No C compiler is installed (cc, gcc or clang).")

    def files(code: str, tests: str, word: str) -> Mapping[str, str]:
        return {"subject.c": code, "check.c": f'#include "subject.c"\n\n{tests}\n{_C_MAIN.format(word)}'}

    words = (cc, "-std=gnu11", "-w")
    build = Step((*words, "-g", "-o", "run/check", "run/check.c", "-lm"), limits=Limits(seconds=30.0))
    parse = Step((*words, "-fsyntax-only", "run/subject.c"), "syntax")
    return Toolchain("c", "subject.c", files, Step(("./check",)), (parse, build))


_TOOLCHAINS: Mapping[str, Callable[[], Toolchain | Missing]] = {
    "python": _python,
    "lua": _lua,
    "javascript": _javascript,
    "go": _go,
    "c": _c,
}
"""Neovim filetype -> what looks for its toolchain."""
