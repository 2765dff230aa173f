"""How a candidate's tests are run: with real toolchains where they are installed, else with a runner that is scripted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from vivek.bench import toolchains
from vivek.bench.toolchains import Missing, Toolchain, check, toolchain
from vivek.verify import sandbox
from vivek.verify.sandbox import Outcome

# language -> code with `answer`, a test that it passes, code that leaves early with success, code that does not parse
PROGRAMS = {
    "python": (
        "def answer():\n    return 42\n",
        "assert answer() == 42\n",
        "import sys\nsys.exit(0)\n",
        "def answer(:\n",
    ),
    "lua": (
        "return { answer = function() return 42 end }\n",
        "assert(require('subject').answer() == 42, 'wrong answer')\n",
        "os.exit(0)\n",
        "return {\n",
    ),
    "javascript": (
        "module.exports.answer = () => 42;\n",
        "require('node:assert').equal(require('./subject').answer(), 42);\n",
        "process.exit(0);\n",
        "module.exports = {;\n",
    ),
    "go": (
        "package main\n\nfunc answer() int { return 42 }\n",
        'package main\n\nfunc runTests() {\n\tif answer() != 42 {\n\t\tpanic("wrong answer")\n\t}\n}\n',
        'package main\n\nimport "os"\n\nfunc answer() int {\n\tos.Exit(0)\n\treturn 42\n}\n',
        "package main\n\nfunc answer( int {\n",
    ),
    "c": (
        "int answer(void) { return 42; }\n",
        "#include <assert.h>\nstatic void run_tests(void) { assert(answer() == 42); }\n",
        "#include <stdlib.h>\nint answer(void) { exit(0); }\n",
        "int answer(void) { return 42;\n",
    ),
}

WORD = "all-tests-ran"

each_language = pytest.mark.parametrize("language", PROGRAMS)


def installed(language: str) -> Toolchain:
    tools = toolchain(language)
    if isinstance(tools, Missing):
        pytest.skip(tools.reason)
    return tools


@pytest.fixture
def toolchain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole session, so that Go compiles its library once."""
    return tmp_path_factory.getbasetemp() / "toolchains"


@each_language
def test_right_code_passes_and_wrong_code_fails_with_what_is_told(language: str, toolchain_folder: Path):
    tools = installed(language)
    code, tests, _, _ = PROGRAMS[language]
    right = check(tools, code, tests, WORD, folder=toolchain_folder / language, run=sandbox.run)
    wrong = check(
        tools, code.replace("42", "41"), tests, WORD, folder=toolchain_folder / language, run=sandbox.run
    )
    assert (right.status, right.told) == ("pass", "")
    assert wrong.status == "fail"
    assert any(word in wrong.told for word in ("Assert", "wrong answer"))


@each_language
def test_program_that_leaves_early_with_success_does_not_pass(language: str, toolchain_folder: Path):
    _, tests, leaves, _ = PROGRAMS[language]
    found = check(
        installed(language), leaves, tests, WORD, folder=toolchain_folder / language, run=sandbox.run
    )
    assert (found.status, found.told) == ("fail", "It ended before its tests did.")


@each_language
def test_code_that_does_not_parse_is_told_apart(language: str, toolchain_folder: Path):
    _, tests, _, broken = PROGRAMS[language]
    found = check(
        installed(language), broken, tests, WORD, folder=toolchain_folder / language, run=sandbox.run
    )
    assert found.status == "syntax"
    assert found.told


def test_candidate_sees_no_file_of_the_one_before_it(tmp_path: Path):
    leaves = "import pathlib\npathlib.Path('left').touch()\n"
    looks = "import pathlib\nassert not pathlib.Path('left').exists()\n"
    verdicts = [
        check(installed("python"), code, "", WORD, folder=tmp_path, run=sandbox.run)
        for code in (leaves, looks)
    ]
    assert [verdict.status for verdict in verdicts] == ["pass", "pass"]


def test_candidate_cannot_write_where_the_compiler_keeps_things(tmp_path: Path):
    code = "import pathlib\npathlib.Path('../kept').touch()\n"
    found = check(installed("python"), code, "", WORD, folder=tmp_path, run=sandbox.run)
    if not found.isolated:
        pytest.skip("Namespaces cannot be had here.")
    assert [item.name for item in tmp_path.iterdir()] == ["run"]


def test_text_that_is_not_valid_unicode_does_not_pass(tmp_path: Path):
    found = check(installed("python"), "x = 1  # \udcff\n", "", WORD, folder=tmp_path, run=sandbox.run)
    assert found.status != "pass"


class Scripted:
    """A runner that answers from a list."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.workspaces: list[Path] = []

    def __call__(self, command, *, workspace, limits, env) -> Outcome:
        self.workspaces.append(workspace)
        return self.outcomes.pop(0)


def test_time_that_is_up_is_told_and_ends_the_steps(tmp_path: Path):
    runner = Scripted(
        [
            Outcome(0, "exited", "", "", 1.0, True),
            Outcome(None, "timeout", "", "", 10.0, False, "it did not end within 10 s"),
        ]
    )
    found = check(installed("python"), "", "", WORD, folder=tmp_path, run=runner)
    assert (found.status, found.told) == ("timeout", "it did not end within 10 s")
    assert (found.seconds, found.isolated) == (11.0, False)
    assert runner.workspaces == [tmp_path, tmp_path / "run"]


def test_killed_program_fails_with_the_reason(tmp_path: Path):
    killed = Outcome(None, "killed", "", "", 1.0, True, "it used more than 4 GiB")
    found = check(installed("python"), "", "", WORD, folder=tmp_path, run=Scripted([killed]))
    assert found.told == "it used more than 4 GiB"


@pytest.mark.parametrize(
    ("language", "program"), [("lua", "lua"), ("javascript", "node"), ("go", "go"), ("c", "cc")]
)
def test_missing_program_is_named(
    language: str, program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchains, "_WHERE", ())
    found = toolchain(language)
    assert isinstance(found, Missing)
    assert program in found.reason


def test_unknown_language_has_no_toolchain():
    assert toolchain("cobol") == Missing("cobol", "Vivek has no toolchain for cobol.")
