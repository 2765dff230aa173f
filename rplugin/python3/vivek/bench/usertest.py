"""A task's tests as a user would have them: files beside the code, and the command that runs them.

For the arm ``vivek --test`` alone. Python's become a pytest module where pytest is there, so that a failing assertion
is told with its values, as users see it; all else is run by the toolchain's own commands.
"""

from __future__ import annotations

import ast
import shlex
import symtable
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vivek.bench.task import Task
from vivek.bench.toolchains import Toolchain

_SUBJECT = "subject"
_SCRIPT = "run_tests.sh"
_TEST = f"test_{_SUBJECT}.py"
_HEAD = f"""import {_SUBJECT}
globals().update({{k: v for k, v in vars({_SUBJECT}).items() if not k.startswith('__')}})
"""
"""The tests are written to follow the code in one file, so they may use all of its names."""


@dataclass(frozen=True)
class UserTest:
    """files: by name, relative to the project's folder; code: which of them is the code. command: see `--test`."""

    files: Mapping[str, str]
    code: str
    command: str


def user_test(task: Task, tools: Toolchain, text: str) -> UserTest:
    """The project that a task makes. text: the code as it is before."""
    if task.language == "python":
        return _python(task, text)
    files = {f"run/{name}": each for name, each in tools.files(text, task.tests, "ok").items()}
    return UserTest({**files, _SCRIPT: _script(tools)}, f"run/{tools.subject}", f"sh {_SCRIPT}")


def write(project: UserTest, folder: Path) -> Path:
    """Put the files into a folder; the path of the code."""
    for name, text in project.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "surrogateescape", newline="")
    return folder / project.code


def _script(tools: Toolchain) -> str:
    """The toolchain's steps, one after the other, from the project's folder."""
    names = {name: value.replace("{folder}", "$PWD") for name, value in tools.env.items()}
    exports = [f'export {name}="{value}"' for name, value in names.items()]
    steps = [shlex.join(step.command) for step in tools.build]
    return "\n".join(["set -e", *exports, *steps, "cd run", shlex.join(tools.run.command), ""])


def _python(task: Task, text: str) -> UserTest:
    module = _pytest_module(task.tests) if find_spec("pytest") else ""
    files = {f"{_SUBJECT}.py": text, _TEST: module or f"{_HEAD}\n{task.tests}\n"}
    python = shlex.quote(sys.executable)
    return UserTest(files, f"{_SUBJECT}.py", f"{python} {'-m pytest -q ' if module else ''}{_TEST}")


def _pytest_module(tests: str) -> str:
    """The tests within one test function, whose names are the module's as before; "" where that cannot be done."""
    module = ast.parse(f"{_HEAD}\ndef test_it():\n    pass")
    test = module.body[-1]
    assert isinstance(test, ast.FunctionDef)
    try:
        names = sorted(_bound(tests))
        test.body = [*([ast.Global(names)] if names else []), *ast.parse(tests).body]
        text = ast.unparse(module)
        compile(text, _TEST, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    return text + "\n"


def _bound(tests: str) -> set[str]:
    """The names that the tests give a meaning to at their top level."""
    table = symtable.symtable(tests, "tests", "exec")
    return {
        each.get_name()
        for each in table.get_symbols()
        if each.is_assigned() or each.is_imported() or each.is_namespace()
    }
